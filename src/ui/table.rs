//! Tables and lists of fields, within the width of the terminal; 80 columns where there is none.

use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, presets};
use std::io;

use super::style::{Paint, clean, coloured, paint};

/// The width where no terminal has one.
const WIDTH: u16 = 80;

/// Below that, lines that the terminal breaks are easier to read than columns of letters.
const NARROWEST: u16 = 60;

/// One cell of a table.
#[derive(Clone, Debug)]
pub enum Cell {
    Plain(String),
    /// What is as it should be.
    Good(String),
    /// What is over, or missing.
    Faint(String),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Plain(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Plain(text)
    }
}

/// A table, printed as `gh` does: no lines, headings in capitals.
#[derive(Debug)]
pub struct Table(comfy_table::Table);

impl Table {
    pub fn new(headings: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if coloured(&io::stdout()) {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        // A pipe has no width; a terminal that does not know its own says 0.
        table.set_width(table.width().filter(|width| *width >= NARROWEST).unwrap_or(WIDTH));
        let bold = |text: &&str| comfy_table::Cell::new(text).add_attribute(Attribute::Bold);
        table.set_header(headings.iter().map(bold));
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
        Table(table)
    }

    /// Keeps the cells of a column whole: an id is there to be copied.
    #[must_use]
    pub fn whole(mut self, column: usize) -> Self {
        if let Some(column) = self.0.column_mut(column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        self
    }

    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.0.add_row(cells.map(drawn));
    }

    /// The table as text, or `nothing` where it has no row.
    pub fn text(&self, nothing: &str) -> String {
        if self.0.is_empty() { nothing.to_owned() } else { self.0.trim_fmt() }
    }
}

fn drawn(cell: Cell) -> comfy_table::Cell {
    match cell {
        Cell::Plain(text) => comfy_table::Cell::new(clean(&text)),
        Cell::Good(text) => comfy_table::Cell::new(clean(&text)).fg(Color::Green),
        Cell::Faint(text) => comfy_table::Cell::new(clean(&text)).add_attribute(Attribute::Dim),
    }
}

/// One thing: its name, and below it a line for each field that has a value.
pub fn fields(title: &str, all: &[(&str, String)]) -> String {
    let colour = coloured(&io::stdout());
    let shown: Vec<_> = all.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = shown.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut lines = vec![paint(colour, Paint::Bold, clean(title))];
    for (label, value) in shown {
        let label = paint(colour, Paint::Dim, format!("{label:width$}"));
        lines.push(format!("  {label}  {}", clean(value)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_80_columns_and_an_id_stays_whole() {
        let id = "018f3c5e-7b1a-7c3d-9e2f-0123456789ab";
        let mut table = Table::new(&["ID", "NAME", "NOTE"]).whole(0);
        table.row([id.into(), "a name".into(), "a long note, word after word ".repeat(4).into()]);
        let text = table.text("");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.starts_with("ID") && text.contains(id), "{text}");
    }

    #[test]
    fn an_empty_table_says_so_and_names_from_elsewhere_are_harmless() {
        let mut table = Table::new(&["NAME"]);
        assert_eq!(table.text("No nodes yet."), "No nodes yet.");
        table.row(["a\x1b[31mb".into()]);
        assert!(!table.text("").contains('\x1b'));
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let text = fields("pi", &[("Status", "online".into()), ("Tags", String::new())]);
        assert_eq!(text, "pi\n  Status  online");
    }
}
