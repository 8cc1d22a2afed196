//! A table of counts with its sums, and the suppression of small ones.
//!
//! Whoever reads the table knows the rule: what is shown as "<N" lies from 0 to N − 1, what is withheld beside it is at
//! least N, and each sum is the sum of its parts. A small count is protected when these leave it more than one value.
//! That is decided exactly: the sums make a network whose edges are the cells (a circulation problem), so that a cell
//! has another value if and only if a cycle through it can be shifted by one. Where no withholding protects a count, as
//! in very small tables, N is raised for the whole table: in the end everything in it is less than N.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is shown of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The count.
    Shown(u64),
    /// It is less than this threshold.
    Small(u64),
    /// It is not less, and is left out so that small ones cannot be computed from the sums.
    Withheld,
}

/// Counts with the sums of their rows and columns, the sums last.
#[derive(Clone, Debug)]
pub struct Table {
    width: usize,
    cells: Vec<(u64, Cell)>,
    sums_of_rows: bool,
    threshold: u64,
}

impl Table {
    /// The table of `rows`, each `columns` long. Without `sums_of_rows` the columns have nothing to do with each other
    /// and only they are summed up.
    pub fn new(rows: &[Vec<u64>], columns: usize, sums_of_rows: bool) -> Self {
        let width = columns + 1;
        let mut sums = vec![0; width];
        let mut cells = Vec::new();
        for row in rows {
            let mut of = row.clone();
            of.resize(columns, 0);
            of.push(of.iter().sum());
            sums.iter_mut().zip(&of).for_each(|(sum, count)| *sum += count);
            cells.extend(of);
        }
        cells.extend(sums);
        let cells = cells.into_iter().map(|count| (count, Cell::Shown(count))).collect();
        Self { width, cells, sums_of_rows, threshold: 0 }
    }

    /// Rows of cells: those of `new`, then the sums of the columns; the last cell of each is the sum of the row.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Cell>> + '_ {
        let shown = if self.sums_of_rows { self.width } else { self.width - 1 };
        self.cells.chunks(self.width).map(move |row| row.iter().take(shown).map(|(_, cell)| *cell).collect())
    }

    /// Suppresses counts below `threshold`, and as many more as it takes that none of them can be computed; of those,
    /// the smallest. Below 3 nothing is suppressed; nor are sums of nothing.
    pub fn suppress(self, mut threshold: u64) -> Self {
        let has_counts = self.height() > 1 && self.width > 1;
        while has_counts && threshold >= 3 {
            if let Some(table) = self.clone().suppress_below(threshold) {
                return table;
            }
            threshold += threshold / 2;
        }
        self
    }

    /// `None`: a count below `threshold` could be computed, whatever else is withheld.
    fn suppress_below(mut self, threshold: u64) -> Option<Self> {
        self.threshold = threshold;
        for (count, cell) in &mut self.cells {
            if *count < threshold {
                *cell = Cell::Small(threshold);
            }
        }
        let mut protected = vec![false; self.cells.len()];
        for place in 0..self.cells.len() {
            let is_small = matches!(self.at(place).1, Cell::Small(_));
            if !is_small || self.is_hidden(place) || protected.get(place) == Some(&true) {
                continue;
            }
            if let Some(cycle) = self.free_cycle(place) {
                // Each count of the cycle is another one when it is shifted.
                for cell in cycle {
                    *protected.get_mut(cell)? = true;
                }
                continue;
            }
            let cycles = [true, false].into_iter().filter_map(|up| self.cheapest_cycle(place, up));
            let (_, cycle) = cycles.min_by_key(|(cost, _)| *cost)?;
            for other in cycle {
                if let Some((_, cell @ Cell::Shown(_))) = self.cells.get_mut(other) {
                    *cell = Cell::Withheld;
                }
            }
        }
        Some(self)
    }

    fn at(&self, place: usize) -> (u64, Cell) {
        self.cells.get(place).copied().unwrap_or((0, Cell::Shown(0)))
    }

    /// Sums of rows that nobody sees may be anything.
    fn is_hidden(&self, place: usize) -> bool {
        !self.sums_of_rows && place % self.width == self.width - 1
    }

    fn height(&self) -> usize {
        self.cells.len() / self.width
    }

    /// The sums that a cell takes part in, of its row and of its column, as nodes: more of the cell flows from the
    /// first to the second.
    fn ends(&self, place: usize) -> (usize, usize) {
        let (row, column) = (place / self.width, place % self.width);
        let (of_row, of_column) = (row, self.height() + column);
        let (last_row, last_column) = (row + 1 == self.height(), column + 1 == self.width);
        if last_row == last_column { (of_row, of_column) } else { (of_column, of_row) }
    }

    /// Whether the count could be one more (`up`) or one less as far as the rule tells, were it suppressed.
    fn can_move(&self, place: usize, up: bool) -> bool {
        let (count, cell) = self.at(place);
        match cell {
            _ if self.is_hidden(place) => up || count > 0,
            Cell::Small(threshold) if up => count + 1 < threshold,
            Cell::Small(_) => count > 0,
            Cell::Shown(_) | Cell::Withheld => up || count > self.threshold,
        }
    }

    /// What it costs to let the count move: what is lost to the reader.
    fn cost(&self, place: usize) -> u64 {
        match self.at(place) {
            (count, Cell::Shown(_)) if !self.is_hidden(place) => count,
            _ => 0,
        }
    }

    /// Where a cycle through the cell begins and ends when its count becomes one more (`up`) or one less.
    fn way(&self, place: usize, up: bool) -> (usize, usize) {
        let (from, to) = self.ends(place);
        if up { (to, from) } else { (from, to) }
    }

    /// The cells of a sum that can move, and the sum at the other end of each: forward the cell becomes more, backward
    /// less.
    fn steps(&self, node: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (height, width) = (self.height(), self.width);
        let count = if node < height { width } else { height };
        (0..count).filter_map(move |i| {
            let cell = if node < height { node * width + i } else { i * width + node - height };
            let (from, to) = self.ends(cell);
            let (next, up) = if from == node { (to, true) } else { (from, false) };
            self.can_move(cell, up).then_some((cell, next))
        })
    }

    /// The other cells of a cycle through the cell that can be shifted without withholding more; `None`: as things are,
    /// its count has no other value.
    fn free_cycle(&self, place: usize) -> Option<Vec<usize>> {
        let ways = [true, false].into_iter().filter(|up| self.can_move(place, *up));
        ways.map(|up| self.way(place, up)).find_map(|(start, goal)| {
            let mut came = vec![None; self.height() + self.width];
            let mut stack = vec![start];
            while let Some(node) = stack.pop() {
                for (cell, next) in
                    self.steps(node).filter(|(cell, _)| *cell != place && self.cost(*cell) == 0)
                {
                    if next != start && came.get(next).is_some_and(Option::is_none) {
                        *came.get_mut(next)? = Some((node, cell));
                        stack.push(next);
                    }
                }
                if came.get(goal).is_some_and(Option::is_some) {
                    return back(&came, start, goal);
                }
            }
            None
        })
    }

    /// The cheapest way to let the count be one more (`up`) or one less while every sum still holds: its cost, and the
    /// cells that must not be shown for it. Dijkstra's algorithm over the sums.
    fn cheapest_cycle(&self, place: usize, up: bool) -> Option<(u64, Vec<usize>)> {
        if !self.can_move(place, up) {
            return None;
        }
        let (start, goal) = self.way(place, up);
        let nodes = self.height() + self.width;
        let mut best = vec![u64::MAX; nodes];
        let mut came = vec![None; nodes];
        let mut queue = BinaryHeap::from([Reverse((0_u64, start))]);
        *best.get_mut(start)? = 0;
        while let Some(Reverse((cost, node))) = queue.pop() {
            if node == goal {
                break;
            }
            for (cell, next) in self.steps(node).filter(|(cell, _)| *cell != place) {
                let cost = cost.saturating_add(self.cost(cell));
                if best.get(next).is_some_and(|known| cost < *known) {
                    *best.get_mut(next)? = cost;
                    *came.get_mut(next)? = Some((node, cell));
                    queue.push(Reverse((cost, next)));
                }
            }
        }
        Some((best.get(goal).copied()?, back(&came, start, goal)?))
    }
}

/// The cells on the way from one sum to another, by which each sum was reached from the one before.
fn back(came: &[Option<(usize, usize)>], start: usize, goal: usize) -> Option<Vec<usize>> {
    let mut path = Vec::new();
    let mut node = goal;
    while node != start {
        let (before, cell) = came.get(node).copied().flatten()?;
        path.push(cell);
        node = before;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn table(rows: &[&[u64]], threshold: u64) -> Vec<Vec<Cell>> {
        let rows: Vec<Vec<u64>> = rows.iter().map(|row| row.to_vec()).collect();
        let columns = rows.first().map_or(0, Vec::len);
        Table::new(&rows, columns, true).suppress(threshold).rows().collect()
    }

    #[test]
    fn a_lone_small_count_takes_another_of_its_sum_with_it() {
        let cells = table(&[&[2, 10, 40], &[20, 30, 50]], 5);
        assert_eq!(cells[0][0], Cell::Small(5));
        assert_eq!(cells[0][1], Cell::Withheld, "the smallest of its row");
        assert_eq!((cells[1][0], cells[1][1]), (Cell::Withheld, Cell::Withheld), "and of the columns");
        assert_eq!(
            (cells[0][2], cells[0][3], cells[2][3]),
            (Cell::Shown(40), Cell::Shown(52), Cell::Shown(152))
        );
    }

    #[test]
    fn a_table_without_small_counts_is_shown_as_it_is() {
        let cells = table(&[&[5, 6], &[7, 8]], 5);
        assert!(cells.iter().flatten().all(|cell| matches!(cell, Cell::Shown(_))));
        let cells = table(&[&[1, 6], &[7, 8]], 0);
        assert_eq!(cells[0][0], Cell::Shown(1), "nothing is to be suppressed");
    }

    #[test]
    fn sums_of_nothing_are_zero() {
        for rows in [vec![], vec![vec![], vec![]]] {
            let columns = if rows.is_empty() { 2 } else { 0 };
            let table = Table::new(&rows, columns, true).suppress(5);
            assert!(table.rows().flatten().all(|cell| cell == Cell::Shown(0)));
        }
    }

    #[test]
    fn two_small_counts_that_their_sum_gives_away_are_not_left_alone() {
        // 4 + 4 = 8 tells both of who knows that neither is more than 4.
        let cells = table(&[&[4, 4]], 5);
        assert_ne!(cells[0][2], Cell::Shown(8));
    }

    #[test]
    fn where_nothing_protects_a_count_the_threshold_is_raised_for_the_table() {
        // With 3 the second row can only be 2 and 2, whatever is withheld: 4 is at least 3, and so is each column.
        let cells = table(&[&[1, 1], &[2, 2]], 3);
        assert!(cells[0].iter().all(|cell| matches!(cell, Cell::Small(4..))), "{cells:?}");
    }

    #[test]
    fn columns_without_common_sums_do_not_touch_each_other() {
        let rows = [vec![2, 100], vec![7, 200], vec![9, 300]];
        let cells: Vec<Vec<Cell>> = Table::new(&rows, 2, false).suppress(5).rows().collect();
        assert_eq!(cells.iter().map(|row| row[1]).collect::<Vec<_>>(), [100, 200, 300, 600].map(Cell::Shown));
        assert_eq!((cells[0][0], cells[1][0]), (Cell::Small(5), Cell::Withheld));
    }

    /// The values that each cell has in any of all tables with this view, counts up to `most`.
    fn attack(cells: &[Vec<Cell>], threshold: u64, most: u64) -> Vec<Vec<BTreeSet<u64>>> {
        let (height, width) = (cells.len() - 1, cells[0].len() - 1);
        let fits = |cell: Cell, count: u64| match cell {
            Cell::Shown(shown) => shown == count,
            Cell::Small(below) => count < below,
            Cell::Withheld => count >= threshold,
        };
        let mut found = vec![vec![BTreeSet::new(); width + 1]; height + 1];
        let mut inner = vec![0; height * width];
        loop {
            let get = |r: usize, c: usize| -> u64 {
                let rows = if r < height { r..r + 1 } else { 0..height };
                rows.map(|r| {
                    let columns = if c < width { c..c + 1 } else { 0..width };
                    columns.map(|c| inner[r * width + c]).sum::<u64>()
                })
                .sum()
            };
            if (0..=height).all(|r| (0..=width).all(|c| fits(cells[r][c], get(r, c)))) {
                for (r, row) in found.iter_mut().enumerate() {
                    for (c, values) in row.iter_mut().enumerate() {
                        values.insert(get(r, c));
                    }
                }
            }
            let mut place = 0;
            loop {
                let Some(count) = inner.get_mut(place) else { return found };
                *count += 1;
                if *count <= most {
                    break;
                }
                *count = 0;
                place += 1;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_small_count_can_be_computed_by_who_knows_the_rule(
            (height, width) in
                prop::sample::select(vec![(1, 1), (1, 2), (2, 1), (1, 4), (2, 2), (4, 1)]),
            counts in prop::collection::vec(0_u64..9, 4),
            threshold in 3_u64..6,
        ) {
            let rows: Vec<Vec<u64>> = counts[..height * width].chunks(width).map(<[u64]>::to_vec).collect();
            let table = Table::new(&rows, width, true).suppress(threshold);
            let cells: Vec<Vec<Cell>> = table.rows().collect();
            let values = attack(&cells, table.threshold, 10);
            for (row, values) in cells.iter().zip(&values) {
                for (cell, values) in row.iter().zip(values) {
                    match cell {
                        Cell::Small(_) => prop_assert!(values.len() > 1, "{rows:?} {cells:?}"),
                        Cell::Shown(count) => prop_assert!(*count >= threshold && values.contains(count)),
                        Cell::Withheld => prop_assert!(values.iter().all(|count| *count >= threshold)),
                    }
                }
            }
        }

        #[test]
        fn in_a_larger_table_too_every_small_count_keeps_a_cycle_that_can_be_shifted(
            counts in prop::collection::vec(prop_oneof![3 => 0_u64..6, 1 => 6_u64..200], 30),
            sums_of_rows: bool,
            threshold in 3_u64..12,
        ) {
            let rows: Vec<Vec<u64>> = counts.chunks(6).map(<[u64]>::to_vec).collect();
            let table = Table::new(&rows, 6, sums_of_rows).suppress(threshold);
            for place in (0..table.cells.len()).filter(|place| !table.is_hidden(*place)) {
                let (count, cell) = table.at(place);
                prop_assert!(count >= threshold || cell == Cell::Small(table.threshold));
                prop_assert!(!matches!(cell, Cell::Small(_)) || table.free_cycle(place).is_some(), "{:?}", table);
            }
        }
    }
}
