//! Trains on a Parquet file of features, scores the later rows and prints figures as one line of JSON.
//!
//! figures FEATURES.toml ROWS.parquet DAY-COLUMN TRAIN-UNTIL [key=value ...]
//!
//! Keys: algorithm, seed, threads, repeat (of scoring, for its speed), scores (a file for the probabilities, one a
//! line), card (a file for the HTML card), model (a file for the model), and any of the trees' settings.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::time::Instant;

use carelake_noshow::{
    About, Algorithm, Evaluation, FeatureSet, Frame, ModelFile, Settings, card, days, labels, train,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

type Failure = Box<dyn Error>;

struct Options {
    settings: Settings,
    repeat: usize,
    scores: Option<String>,
    card: Option<String>,
    model: Option<String>,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [features, rows, day, until, options @ ..] = arguments.as_slice() else {
        return Err("usage: figures FEATURES.toml ROWS.parquet DAY-COLUMN TRAIN-UNTIL [key=value ...]".into());
    };
    let options = parse(options)?;
    let features = FeatureSet::parse(&fs::read_to_string(features)?)?;
    let until: i32 = (until.parse::<chrono::NaiveDate>()? - chrono::NaiveDate::default()).num_days().try_into()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(rows)?)?.build()?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let (days, labels) = (days(day, &batches)?, labels(&features, &batches)?);
    let start = Instant::now();
    let frame = Frame::from_batches(&features, &batches)?;
    let reading = start.elapsed().as_secs_f64();
    let (early, late): (Vec<usize>, Vec<usize>) =
        (0..frame.rows()).partition(|row| days.get(*row).is_some_and(|day| *day <= until));
    let pick = |rows: &[usize]| rows.iter().filter_map(|row| labels.get(*row).copied()).collect::<Vec<_>>();
    let early_days: Vec<i32> = early.iter().filter_map(|row| days.get(*row).copied()).collect();
    let (early_frame, late_frame) = (frame.take(&early), frame.take(&late));

    let (start, start_cpu) = (Instant::now(), cpu_seconds()?);
    let model = train(&features, &early_frame, &pick(&early), &early_days, &options.settings, &|_| ())?;
    let (training, training_cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - start_cpu);
    let (start, start_cpu) = (Instant::now(), cpu_seconds()?);
    let mut probabilities = Vec::new();
    for _ in 0..options.repeat.max(1) {
        probabilities = model.score(&late_frame, options.settings.threads)?;
    }
    let (scoring, scoring_cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - start_cpu);
    let start = Instant::now();
    let reasons = model.reasons(&late_frame, 3, options.settings.threads)?.len();
    let reasoning = start.elapsed().as_secs_f64();
    let outcomes: Vec<bool> = pick(&late).into_iter().flatten().collect();
    let evaluation = Evaluation::of(&probabilities, &outcomes, &options.settings.costs, None, &[])?;

    let scored = (late.len() * options.repeat.max(1)) as f64;
    let figures = serde_json::json!({
        "rows": early.len(),
        "features": features.features.len(),
        "reading_seconds": reading,
        "training_seconds": training,
        "training_cpu_seconds": training_cpu,
        "scored_per_second": scored / scoring,
        "scored_per_cpu_second": scored / scoring_cpu.max(0.01),
        "reasons_per_second": reasons as f64 / reasoning,
        "trees": model.trees(),
        "calibration": model.calibration(),
        "warnings": model.warnings,
        "evaluation": evaluation,
        "importances": model.importances(),
    });
    writeln!(std::io::stdout(), "{figures}")?;
    if let Some(path) = &options.scores {
        fs::write(path, probabilities.iter().map(|p| format!("{p}\n")).collect::<String>())?;
    }
    let about = About {
        name: features.name.clone(),
        source: "bench".to_owned(),
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        data_fingerprint: String::new(),
    };
    let mut file = ModelFile::new(about, model);
    file.header.evaluation = Some(evaluation);
    if let Some(path) = &options.model {
        fs::write(path, file.to_bytes()?)?;
    }
    if let Some(path) = &options.card {
        fs::write(path, card::html(&file, None))?;
    }
    Ok(())
}

/// Processor time of all threads so far, in hundredths: what a busy machine does not change.
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Result<Vec<f64>, _> = fields.skip(11).take(2).map(str::parse::<f64>).collect();
    Ok(ticks?.iter().sum::<f64>() / 100.0)
}

fn parse(words: &[String]) -> Result<Options, Failure> {
    let mut options = Options { settings: Settings::default(), repeat: 1, scores: None, card: None, model: None };
    for word in words {
        let (key, value) = word.split_once('=').ok_or("an option is key=value")?;
        let (settings, trees) = (&mut options.settings, &mut Settings::default().trees);
        std::mem::swap(&mut settings.trees, trees);
        match key {
            "algorithm" => {
                settings.algorithm = match value {
                    "logistic" => Algorithm::Logistic,
                    "forest" => Algorithm::Forest,
                    _ => Algorithm::Trees,
                }
            }
            "seed" => settings.seed = value.parse()?,
            "threads" => settings.threads = value.parse()?,
            "repeat" => options.repeat = value.parse()?,
            "scores" => options.scores = Some(value.to_owned()),
            "card" => options.card = Some(value.to_owned()),
            "model" => options.model = Some(value.to_owned()),
            "most_trees" => trees.most_trees = value.parse()?,
            "patience" => trees.patience = value.parse()?,
            "leaves" => trees.leaves = value.parse()?,
            "learning_rate" => trees.learning_rate = value.parse()?,
            "min_child_weight" => trees.min_child_weight = value.parse()?,
            "l2" => trees.l2 = value.parse()?,
            "row_share" => trees.row_share = value.parse()?,
            "column_share" => trees.column_share = value.parse()?,
            "leaf_share" => trees.leaf_share = value.parse()?,
            "category_smoothing" => trees.category_smoothing = value.parse()?,
            "category_l2" => trees.category_l2 = value.parse()?,
            "bags" => trees.bags = value.parse()?,
            other => return Err(format!("no option {other}").into()),
        }
        std::mem::swap(&mut options.settings.trees, trees);
    }
    Ok(options)
}
