//! Functions of arrays: a name, the types it takes and gives, and what it does with a column of each.

use std::hash::{Hash, Hasher};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::arguments::{arrays, result};

/// What a function does: columns of one length in, one out.
pub(super) type Apply = fn(&[ArrayRef]) -> Result<ArrayRef>;

/// A function that gives NULL for a NULL.
#[derive(Debug)]
pub struct Simple {
    name: &'static str,
    signature: Signature,
    gives: DataType,
    apply: Apply,
}

impl Simple {
    /// A function that takes any of those lists of types.
    pub(super) fn new(name: &'static str, takes: Vec<Vec<DataType>>, gives: DataType, apply: Apply) -> Self {
        let signatures = takes.into_iter().map(TypeSignature::Exact).collect();
        Self { name, signature: Signature::one_of(signatures, Volatility::Immutable), gives, apply }
    }
}

impl PartialEq for Simple {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Simple {}

impl Hash for Simple {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Simple {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (arrays, single) = arrays(&args.args)?;
        result((self.apply)(&arrays)?, single)
    }
}
