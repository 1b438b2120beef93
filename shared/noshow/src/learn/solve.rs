//! Linear equations with a symmetric, positive matrix.

/// Solves `matrix · x = right` by Cholesky's factors. `matrix` holds the rows of the lower triangle: row `i` has
/// `i + 1` numbers. None when the matrix is not positive.
pub(crate) fn solve(mut matrix: Vec<Vec<f64>>, right: &[f64]) -> Option<Vec<f64>> {
    for at in 0..matrix.len() {
        let (above, rest) = matrix.split_at_mut(at);
        let row = rest.first_mut()?;
        for (column, earlier) in above.iter().enumerate() {
            let (diagonal, known) = earlier.split_last()?;
            let sum: f64 = known.iter().zip(row.iter()).map(|(a, b)| a * b).sum();
            let value = row.get_mut(column)?;
            *value = (*value - sum) / diagonal;
        }
        let (diagonal, known) = row.split_last_mut()?;
        let left = *diagonal - known.iter().map(|value| value * value).sum::<f64>();
        if !(left > 0.0 && left.is_finite()) {
            return None;
        }
        *diagonal = left.sqrt();
    }
    let mut half: Vec<f64> = Vec::with_capacity(right.len());
    for (row, value) in matrix.iter().zip(right) {
        let (diagonal, known) = row.split_last()?;
        let sum: f64 = known.iter().zip(&half).map(|(a, b)| a * b).sum();
        half.push((value - sum) / diagonal);
    }
    for at in (0..half.len()).rev() {
        let row = matrix.get(at)?;
        let (diagonal, known) = row.split_last()?;
        let value = half.get(at)? / diagonal;
        *half.get_mut(at)? = value;
        for (earlier, factor) in half.iter_mut().zip(known) {
            *earlier -= factor * value;
        }
    }
    Some(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_fulfils_the_equations() {
        let solution = solve(vec![vec![4.0], vec![2.0, 5.0], vec![1.0, 3.0, 6.0]], &[1.0, 2.0, 3.0]).unwrap();
        let [x, y, z] = solution[..] else { panic!() };
        for (got, wanted) in
            [(4.0 * x + 2.0 * y + z, 1.0), (2.0 * x + 5.0 * y + 3.0 * z, 2.0), (x + 3.0 * y + 6.0 * z, 3.0)]
        {
            assert!((got - wanted).abs() < 1e-12);
        }
        assert_eq!(solve(vec![vec![1.0], vec![2.0, 1.0]], &[1.0, 1.0]), None);
    }
}
