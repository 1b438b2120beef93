//! A row's gradient and second derivative in one whole number.
//!
//! Sums of whole numbers do not depend on their order, so a histogram is the same on any number of threads, and a
//! sibling's histogram is exactly the parent's less the child's. The upper 32 bits hold the gradient, the lower the
//! second derivative, both scaled such that the sum over all rows fits.

/// The scales of one tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    gradient: f64,
    hessian: f64,
}

/// Finest gradients: what single precision tells apart.
const FINEST: f64 = 1_048_576.0;

impl Scale {
    /// Scales for `rows` rows with gradients in −1..1 and second derivatives in 0..`most`, times a weight up to
    /// `weight`.
    pub(crate) fn new(rows: usize, most: f64, weight: f64) -> Self {
        let room = weight * (rows.max(1) as f64 + 1.0);
        Self {
            gradient: (2_147_000_000.0 / room).min(FINEST),
            hessian: (4_294_000_000.0 / (most * room)).min(FINEST / most),
        }
    }

    /// Packs one row.
    pub(crate) fn pack(self, gradient: f64, hessian: f64) -> u64 {
        let gradient = round(gradient * self.gradient) as i64;
        let hessian = round(hessian * self.hessian) as i64;
        ((gradient << 32) + hessian).cast_unsigned()
    }

    /// The two halves of one packed row whose weight is 1, for many rows at once.
    #[inline(always)]
    pub(crate) fn whole(self, gradient: f32, hessian: f32) -> (u32, u32) {
        let of = |x: f32, scale: f64| whole(x * scale as f32).cast_unsigned();
        (of(gradient, self.gradient), of(hessian, self.hessian))
    }

    /// The two sums.
    pub(crate) fn unpack(self, sum: u64) -> Sums {
        let gradient = (sum.cast_signed() >> 32) as f64;
        let hessian = (sum & 0xffff_ffff) as f64;
        Sums { gradient: gradient / self.gradient, hessian: hessian / self.hessian }
    }
}

/// To the nearest whole number, without a call.
fn round(x: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (x + SHIFT) - SHIFT
}

/// The nearest whole number, for up to ±2^21.
#[inline(always)]
fn whole(x: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to a whole number
    (x + SHIFT).to_bits().cast_signed() - SHIFT.to_bits().cast_signed()
}

/// Sums of gradients and second derivatives.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
}

impl Sums {
    pub(crate) fn less(self, other: Self) -> Self {
        Self { gradient: self.gradient - other.gradient, hessian: self.hessian - other.hessian }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { gradient: self.gradient + other.gradient, hessian: self.hessian + other.hessian }
    }

    /// What the loss falls by, twice, when all rows of these sums get their best value.
    pub(crate) fn gain(self, l2: f64) -> f64 {
        self.gradient * self.gradient / (self.hessian + l2)
    }

    /// The gain of these sums and that of others, with one division.
    pub(crate) fn gain_beside(self, other: Self, l2: f64) -> f64 {
        let (own, others) = (self.hessian + l2, other.hessian + l2);
        (self.gradient * self.gradient * others + other.gradient * other.gradient * own) / (own * others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_packed_rows_are_the_rows_sums_whatever_the_signs() {
        let scale = Scale::new(1_000, 0.25, 1.0);
        let rows: Vec<(f64, f64)> =
            (0..1_000).map(|n| ((f64::from(n) * 0.7).sin(), 0.25 * (f64::from(n) * 0.3).cos().abs())).collect();
        let packed = rows.iter().fold(0_u64, |sum, (g, h)| sum.wrapping_add(scale.pack(*g, *h)));
        let sums = scale.unpack(packed);
        assert!((sums.gradient - rows.iter().map(|r| r.0).sum::<f64>()).abs() < 1e-3);
        assert!((sums.hessian - rows.iter().map(|r| r.1).sum::<f64>()).abs() < 1e-3);
        let extreme = (0..1_000).fold(0_u64, |sum, _| sum.wrapping_add(scale.pack(-1.0, 0.25)));
        assert!((scale.unpack(extreme).gradient + 1_000.0).abs() < 1e-2);
        assert!((scale.unpack(extreme).hessian - 250.0).abs() < 1e-2);
        let single = |(g, h): &(f64, f64)| {
            let (gradient, hessian) = scale.whole(*g as f32, *h as f32);
            u64::from(gradient) << 32 | u64::from(hessian)
        };
        let sums = scale.unpack(rows.iter().fold(0_u64, |sum, row| sum.wrapping_add(single(row))));
        assert!((sums.gradient - rows.iter().map(|r| r.0).sum::<f64>()).abs() < 1e-3);
        assert!((sums.hessian - rows.iter().map(|r| r.1).sum::<f64>()).abs() < 1e-3);
    }
}
