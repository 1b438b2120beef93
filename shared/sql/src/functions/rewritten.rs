//! Functions that are another way of writing an expression: `mod(a, b)` is `a % b`.
//!
//! | function | is |
//! |---|---|
//! | `mod(a, b)` | `a % b` |
//! | `bitwise_and(a, b)`, `bitwise_or`, `bitwise_xor` | the operators `&`, `\|`, `#` |
//! | `e()`, `infinity()`, `nan()` | constants |
//! | `try(x)` | x with every CAST a TRY_CAST, and NULL for a division by zero |

use std::hash::{Hash, Hasher};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::type_coercion::binary::type_union_coercion;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, TryCast,
    Volatility, lit,
};

/// What is written instead.
type Instead = fn(Vec<Expr>, &SimplifyContext) -> Result<Expr>;

/// See the module.
#[derive(Debug)]
pub struct Rewritten {
    name: &'static str,
    arguments: usize,
    signature: Signature,
    instead: Instead,
}

/// All of them.
pub fn all() -> Vec<Rewritten> {
    let new = |name, arguments, instead| Rewritten {
        name,
        arguments,
        signature: Signature::user_defined(Volatility::Immutable),
        instead,
    };
    vec![
        new("mod", 2, |arguments, _| binary(arguments, Operator::Modulo)),
        new("bitwise_and", 2, |arguments, _| binary(arguments, Operator::BitwiseAnd)),
        new("bitwise_or", 2, |arguments, _| binary(arguments, Operator::BitwiseOr)),
        new("bitwise_xor", 2, |arguments, _| binary(arguments, Operator::BitwiseXor)),
        new("e", 0, |_, _| Ok(lit(std::f64::consts::E))),
        new("infinity", 0, |_, _| Ok(lit(f64::INFINITY))),
        new("nan", 0, |_, _| Ok(lit(f64::NAN))),
        new("try", 1, attempt),
    ]
}

fn binary(arguments: Vec<Expr>, operator: Operator) -> Result<Expr> {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next()) {
        (Some(left), Some(right)) => Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))),
        _ => plan_err!("{operator} needs two values"),
    }
}

/// The expression in which what can fail gives NULL.
fn attempt(arguments: Vec<Expr>, context: &SimplifyContext) -> Result<Expr> {
    let Some(expression) = arguments.into_iter().next() else { return plan_err!("try needs an expression") };
    expression
        .transform_up(|expression| {
            Ok(match expression {
                Expr::Cast(cast) => {
                    Transformed::yes(Expr::TryCast(TryCast::new(cast.expr, cast.field.data_type().clone())))
                }
                Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Divide | Operator::Modulo), right }) => {
                    let zero = ScalarValue::new_zero(&context.get_data_type(&right)?)?;
                    let right = nullif(*right, lit(zero));
                    Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(left, op, Box::new(right))))
                }
                other => Transformed::no(other),
            })
        })
        .data()
}

impl PartialEq for Rewritten {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rewritten {}

impl Hash for Rewritten {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Rewritten {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Float64))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Field::new(self.name(), self.return_type(&types)?, true).into())
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != self.arguments {
            return plan_err!("{} takes {} values, {} were given", self.name, self.arguments, types.len());
        }
        match types {
            [left, right] => match type_union_coercion(left, right) {
                Some(common) => Ok(vec![common.clone(), common]),
                None => plan_err!("{}: {left} and {right} have no common type; cast one of them", self.name),
            },
            _ => Ok(types.to_vec()),
        }
    }

    fn short_circuits(&self) -> bool {
        true
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        (self.instead)(args, context).map(ExprSimplifyResult::Simplified)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} is planned as another expression", self.name)
    }
}
