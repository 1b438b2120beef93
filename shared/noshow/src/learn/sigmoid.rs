//! The logistic function from operations that every machine rounds alike, and that the compiler can do for many
//! numbers at once. The system's own `exp` differs from one C library to the next, and with it the model's bytes.

/// exp(x), within 2 units in the last place over the range of a double; clamped to ±700.
pub(crate) fn exp(x: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52: adding it rounds to a whole number
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-700.0, 700.0);
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let whole = shifted - SHIFT;
    let rest = (x - whole * LN2_HIGH) - whole * LN2_LOW;
    // Taylor series on ±ln(2)/2: the first term left out is below 2e-17.
    let mut sum = 1.0 / 6_227_020_800.0;
    for factor in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * rest + factor;
    }
    let power = f64::from_bits(shifted.to_bits().wrapping_shl(52).wrapping_add(1.0_f64.to_bits()));
    sum * power
}

/// 1 / (1 + exp(−x)).
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// exp(x) in single precision, within a few units in the last place; clamped to ±80.
#[inline(always)]
pub(crate) fn exp_single(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 · 2^23
    const LN2_HIGH: f32 = 0.693_359_4; // few bits, so that its multiples are exact
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-80.0, 80.0);
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let whole = shifted - SHIFT;
    let rest = (x - whole * LN2_HIGH) - whole * LN2_LOW;
    // Taylor series on ±ln(2)/2: the first term left out is below 6e-9.
    let mut sum = 1.0 / 5_040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * rest + factor;
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_shl(23).wrapping_add(1.0_f32.to_bits()));
    sum * power
}

/// 1 / (1 + exp(−x)) in single precision.
#[inline(always)]
pub(crate) fn sigmoid_single(x: f32) -> f32 {
    1.0 / (1.0 + exp_single(-x))
}

/// ln(p / (1 − p)), with p kept away from 0 and 1.
pub(crate) fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_system_to_the_last_places() {
        for step in -70_000..70_000 {
            let x = f64::from(step) / 100.3;
            let (own, system) = (exp(x), x.exp());
            assert!((own - system).abs() <= 8.0 * f64::EPSILON * system, "{x}: {own} {system}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(sigmoid(-1e300) >= 0.0 && sigmoid(1e300) == 1.0);
    }

    #[test]
    fn single_precision_agrees_with_the_system_to_the_last_places() {
        for step in -7_900..7_900 {
            let x = step as f32 / 100.3;
            let (own, system) = (exp_single(x), x.exp());
            assert!((own - system).abs() <= 6.0 * f32::EPSILON * system, "{x}: {own} {system}");
        }
        assert_eq!(exp_single(0.0), 1.0);
        assert!(exp_single(f32::NEG_INFINITY) < 1e-30 && sigmoid_single(1e30) == 1.0);
    }

    #[test]
    fn logit_undoes_sigmoid() {
        for x in [-8.0, -0.5, 0.0, 3.0] {
            assert!((logit(sigmoid(x)) - x).abs() < 1e-9);
        }
    }
}
