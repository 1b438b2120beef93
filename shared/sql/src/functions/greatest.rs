//! `greatest(a, b, …)` and `least(a, b, …)`: NULL when any value is NULL, where DataFusion's pass over it.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    /// DataFusion's function of the same name, which compares.
    compares: Arc<ScalarUDF>,
    signature: Signature,
}

impl Bound {
    /// `greatest`.
    pub fn greatest() -> Self {
        Self::new(datafusion::functions::core::greatest())
    }

    /// `least`.
    pub fn least() -> Self {
        Self::new(datafusion::functions::core::least())
    }

    fn new(compares: Arc<ScalarUDF>) -> Self {
        Self { compares, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Bound {
    fn name(&self) -> &str {
        self.compares.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.compares.inner().return_type(arg_types)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.compares.coerce_types(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let missing = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(scalar) if scalar.is_null());
        if args.args.iter().any(missing) {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(args.return_field.data_type())?));
        }
        let nulls = args.args.iter().fold(None, |nulls: Option<NullBuffer>, value| match value {
            ColumnarValue::Array(array) => NullBuffer::union(nulls.as_ref(), array.logical_nulls().as_ref()),
            ColumnarValue::Scalar(_) => nulls,
        });
        match (self.compares.invoke_with_args(args)?, nulls) {
            (ColumnarValue::Array(array), Some(nulls)) => {
                let missing = BooleanArray::new(!nulls.inner(), None);
                Ok(ColumnarValue::Array(nullif(&array, &missing)?))
            }
            (compared, _) => Ok(compared),
        }
    }
}
