//! Date patterns: MySQL's for `date_format`, Joda-Time's for `format_datetime`, and the writing of both.

use std::fmt::Write;

use chrono::{Datelike, NaiveDateTime, Timelike};

/// A piece of a pattern. A number is the least number of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Year(usize),
    YearOfCentury,
    WeekYear(usize),
    Month(usize),
    MonthName,
    MonthShort,
    Day(usize),
    DayOfYear(usize),
    Week(usize),
    Weekday(usize),
    WeekdayName,
    WeekdayShort,
    Hour(usize),
    HourFrom1(usize),
    HourOfHalf(usize),
    HourOfHalfFrom0(usize),
    Minute(usize),
    Second(usize),
    Fraction(usize),
    Half,
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

impl Pattern {
    /// Reads `%Y-%m-%d` and the like. `%D %U %u %V %w %X` are refused, as Trino refuses them.
    pub(super) fn mysql(text: &str) -> Result<Self, String> {
        let mut pieces = Pieces::default();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                pieces.letter(letter);
                continue;
            }
            match letters.next() {
                Some('Y') => pieces.push(Piece::Year(4)),
                Some('y') => pieces.push(Piece::YearOfCentury),
                Some('x') => pieces.push(Piece::WeekYear(4)),
                Some('m') => pieces.push(Piece::Month(2)),
                Some('c') => pieces.push(Piece::Month(1)),
                Some('M') => pieces.push(Piece::MonthName),
                Some('b') => pieces.push(Piece::MonthShort),
                Some('d') => pieces.push(Piece::Day(2)),
                Some('e') => pieces.push(Piece::Day(1)),
                Some('j') => pieces.push(Piece::DayOfYear(3)),
                Some('v') => pieces.push(Piece::Week(2)),
                Some('W') => pieces.push(Piece::WeekdayName),
                Some('a') => pieces.push(Piece::WeekdayShort),
                Some('H') => pieces.push(Piece::Hour(2)),
                Some('k') => pieces.push(Piece::Hour(1)),
                Some('h' | 'I') => pieces.push(Piece::HourOfHalf(2)),
                Some('l') => pieces.push(Piece::HourOfHalf(1)),
                Some('i') => pieces.push(Piece::Minute(2)),
                Some('s' | 'S') => pieces.push(Piece::Second(2)),
                Some('f') => pieces.push(Piece::Fraction(6)),
                Some('p') => pieces.push(Piece::Half),
                Some('T') => pieces.time(Piece::Hour(2)),
                Some('r') => {
                    pieces.time(Piece::HourOfHalf(2));
                    pieces.letter(' ');
                    pieces.push(Piece::Half);
                }
                Some(refused @ ('D' | 'U' | 'u' | 'V' | 'w' | 'X')) => {
                    return Err(format!("%{refused} is not supported in '{text}'"));
                }
                Some(other) => pieces.letter(other),
                None => return Err(format!("the pattern '{text}' ends with a lone %")),
            }
        }
        Ok(Self(pieces.0))
    }

    /// Reads `yyyy-MM-dd HH:mm` and the like. Quotes enclose text.
    pub(super) fn joda(text: &str) -> Result<Self, String> {
        let mut pieces = Pieces::default();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == '\'' {
                if letters.next_if_eq(&'\'').is_some() {
                    pieces.letter('\'');
                    continue;
                }
                loop {
                    match letters.next() {
                        Some('\'') if letters.next_if_eq(&'\'').is_some() => pieces.letter('\''),
                        Some('\'') => break,
                        Some(inside) => pieces.letter(inside),
                        None => return Err(format!("a quote stays open in the pattern '{text}'")),
                    }
                }
                continue;
            }
            if !letter.is_ascii_alphabetic() {
                pieces.letter(letter);
                continue;
            }
            let mut count = 1_usize;
            while letters.next_if_eq(&letter).is_some() {
                count = count.saturating_add(1);
            }
            pieces.push(match (letter, count) {
                ('y' | 'Y', 2) => Piece::YearOfCentury,
                ('y' | 'Y', _) => Piece::Year(count),
                ('x', _) => Piece::WeekYear(count),
                ('M', 1 | 2) => Piece::Month(count),
                ('M', 3) => Piece::MonthShort,
                ('M', _) => Piece::MonthName,
                ('d', _) => Piece::Day(count),
                ('D', _) => Piece::DayOfYear(count),
                ('w', _) => Piece::Week(count),
                ('e', _) => Piece::Weekday(count),
                ('E', 1..=3) => Piece::WeekdayShort,
                ('E', _) => Piece::WeekdayName,
                ('H', _) => Piece::Hour(count),
                ('k', _) => Piece::HourFrom1(count),
                ('h', _) => Piece::HourOfHalf(count),
                ('K', _) => Piece::HourOfHalfFrom0(count),
                ('m', _) => Piece::Minute(count),
                ('s', _) => Piece::Second(count),
                ('S', _) => Piece::Fraction(count),
                ('a', _) => Piece::Half,
                _ => {
                    return Err(format!(
                        "the letter {letter} is not supported in the pattern '{text}'; quote it to print it"
                    ));
                }
            });
        }
        Ok(Self(pieces.0))
    }

    /// Appends `moment` to `out`.
    pub(super) fn write(&self, out: &mut impl Write, moment: NaiveDateTime) -> std::fmt::Result {
        let half_hour = moment.hour12().1;
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.write_str(text)?,
                Piece::Year(width) => write!(out, "{:01$}", moment.year(), width)?,
                Piece::YearOfCentury => write!(out, "{:02}", moment.year().rem_euclid(100))?,
                Piece::WeekYear(width) => write!(out, "{:01$}", moment.iso_week().year(), width)?,
                Piece::Month(width) => write!(out, "{:01$}", moment.month(), width)?,
                Piece::MonthName => write!(out, "{}", moment.format("%B"))?,
                Piece::MonthShort => write!(out, "{}", moment.format("%b"))?,
                Piece::Day(width) => write!(out, "{:01$}", moment.day(), width)?,
                Piece::DayOfYear(width) => write!(out, "{:01$}", moment.ordinal(), width)?,
                Piece::Week(width) => write!(out, "{:01$}", moment.iso_week().week(), width)?,
                Piece::Weekday(width) => write!(out, "{:01$}", moment.weekday().number_from_monday(), width)?,
                Piece::WeekdayName => write!(out, "{}", moment.format("%A"))?,
                Piece::WeekdayShort => write!(out, "{}", moment.format("%a"))?,
                Piece::Hour(width) => write!(out, "{:01$}", moment.hour(), width)?,
                Piece::HourFrom1(width) => {
                    write!(out, "{:01$}", if moment.hour() == 0 { 24 } else { moment.hour() }, width)?
                }
                Piece::HourOfHalf(width) => write!(out, "{half_hour:0width$}")?,
                Piece::HourOfHalfFrom0(width) => write!(out, "{:01$}", half_hour % 12, width)?,
                Piece::Minute(width) => write!(out, "{:01$}", moment.minute(), width)?,
                Piece::Second(width) => write!(out, "{:01$}", moment.second(), width)?,
                Piece::Fraction(width) => {
                    let digits = format!("{:09}", moment.nanosecond() % 1_000_000_000);
                    out.write_str(digits.get(..*width).unwrap_or(&digits))?;
                }
                Piece::Half => out.write_str(if moment.hour12().0 { "PM" } else { "AM" })?,
            }
        }
        Ok(())
    }
}

/// Collects pieces; neighbouring letters become one text.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn push(&mut self, piece: Piece) {
        self.0.push(piece);
    }

    fn letter(&mut self, letter: char) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.push(letter),
            _ => self.0.push(Piece::Text(letter.to_string())),
        }
    }

    fn time(&mut self, hour: Piece) {
        self.push(hour);
        self.letter(':');
        self.push(Piece::Minute(2));
        self.letter(':');
        self.push(Piece::Second(2));
    }
}
