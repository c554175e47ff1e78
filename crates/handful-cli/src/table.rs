//! The table of results, on the terminal and in the report.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::{evaluated::Evaluated, text};

/// A model's figures with their names. The speed is relative to the baseline.
pub(crate) fn figures(model: &Evaluated, baseline: &Evaluated) -> [(&'static str, String); 7] {
    let matrix = &model.confusion_matrix;
    let faster = if model.name == baseline.name {
        "baseline".to_owned()
    } else {
        text::rough(baseline.predict_seconds / model.predict_seconds) + "x"
    };
    [
        ("prototypes", text::count(model.n_prototypes as u64)),
        ("accuracy", text::percent(matrix.accuracy())),
        ("95 % interval", text::interval(matrix.accuracy_interval())),
        ("fit", text::seconds(model.fit_seconds)),
        ("predict", text::seconds(model.predict_seconds)),
        ("images/s", text::rough(model.images_per_second())),
        ("times faster", faster),
    ]
}

/// One row per model; the first is the baseline.
pub(crate) fn terminal(models: &[Evaluated]) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    let labels = figures(&models[0], &models[0]).map(|(label, _)| label);
    table.set_header(std::iter::once("model").chain(labels));
    for model in models {
        let figures = figures(model, &models[0]).map(|(_, figure)| figure);
        table.add_row(std::iter::once(model.name.to_owned()).chain(figures));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
