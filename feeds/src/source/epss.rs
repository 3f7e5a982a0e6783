//! EPSS scores: a CSV of some 300,000 lines whose first line says which day they are of.
//!
//! The decimals become integers by their digits, never through floating point, so that the same
//! file gives the same bytes on every machine.

use std::io::{self, BufRead, BufReader, Read};

use domain::exploitation::Epss;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::shape::Shape;
use crate::ingest::Ingested;

const LONGEST_LINE: u64 = 4096;
const HEADER: &str = "cve,epss,percentile";

pub(super) fn is_csv(shape: &Shape) -> bool {
    matches!(shape, Shape::Csv { first, second } if first.starts_with("#model_version:") || first == HEADER || second == HEADER)
}

pub(super) fn read_csv(document: &str, bytes: &mut dyn Read, into: &mut Ingested) -> io::Result<()> {
    let source = SourceId::new("epss");
    let mut reader = BufReader::with_capacity(1 << 16, bytes);
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        let length = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        number += 1;
        if length == 0 {
            break;
        }
        if length as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
            let reason = format!("a line of more than {LONGEST_LINE} bytes: the rest is left out");
            into.reject(Some(source.clone()), &format!("{document}:{number}"), None, reason);
            break;
        }
        let text = String::from_utf8_lossy(&line);
        match text.trim() {
            "" | HEADER => {}
            comment if comment.starts_with('#') => match score_date(comment) {
                Some(date) => into.state_date(&source, date),
                None => into.note(&source, "comment without a score date", || comment.to_owned()),
            },
            row => match epss(row) {
                Ok(epss) => into.accept_epss(&source, epss),
                Err(reason) => {
                    let cve = row.split(',').next();
                    into.reject(Some(source.clone()), &format!("{document}:{number}"), cve, reason.to_owned());
                }
            },
        }
    }
    if into.epss.is_empty() && into.problems.is_empty() {
        into.reject(Some(source), document, None, "no scores: fetch the file again".to_owned());
    }
    Ok(())
}

/// `#model_version:v2025.03.14,score_date:2026-01-30T12:55:00Z`
fn score_date(comment: &str) -> Option<Timestamp> {
    let (_, date) = comment.split_once("score_date:")?;
    let date = date.split(',').next()?.trim();
    // Older files write the offset as +0000.
    let date = date.strip_suffix("+0000").unwrap_or(date);
    Timestamp::parse_lenient(date).ok()
}

fn epss(row: &str) -> Result<Epss, &'static str> {
    let mut fields = row.split(',');
    let (Some(cve), Some(probability), Some(percentile), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("not three fields");
    };
    if !cve.starts_with("CVE-") {
        return Err("no CVE id");
    }
    let share = |text| hundred_thousandths(text).filter(|share| *share <= 100_000);
    Ok(Epss {
        cve: cve.to_owned(),
        probability_e5: share(probability).ok_or("the probability is no decimal from 0 to 1 with five places")?,
        percentile_e5: share(percentile).ok_or("the percentile is no decimal from 0 to 1 with five places")?,
    })
}

/// `0.01151` is 1151, `5e-05` is 5. None when the text is no decimal or has a digit further to
/// the right than the fifth place.
fn hundred_thousandths(text: &str) -> Option<u32> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.len() + fraction.len();
    if digits == 0 || digits > 18 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = format!("{whole}{fraction}").parse().ok()?;
    if value == 0 {
        return Some(0);
    }
    let shift = i64::from(exponent) - fraction.len() as i64 + 5;
    let power = 10_u64.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    let shifted = match shift {
        0.. => value.checked_mul(power)?,
        _ if value.is_multiple_of(power) => value / power,
        _ => return None,
    };
    u32::try_from(shifted).ok()
}

#[cfg(test)]
mod tests {
    use super::{hundred_thousandths, score_date};

    #[test]
    fn decimals_are_read_by_their_digits() {
        let cases = [
            ("0.01151", 1151),
            ("5e-05", 5),
            ("0.2", 20_000),
            ("1", 100_000),
            ("1.0", 100_000),
            ("0.00043000", 43),
            ("1.2e-3", 120),
            ("0", 0),
        ];
        for (text, want) in cases {
            assert_eq!(hundred_thousandths(text), Some(want), "{text}");
        }
    }

    #[test]
    fn what_has_no_exact_place_is_refused() {
        for text in ["", ".", "-0.1", "0.000001", "5e-06", "nan", "1e99", "0.1.2", "1e-99999999999", "0x1", "+0.1"] {
            assert_eq!(hundred_thousandths(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_line_dates_the_scores_in_both_spellings() {
        let date = |text| score_date(text).map(|date| date.to_string());
        let want = Some("2026-01-30T12:55:00Z".to_owned());
        assert_eq!(date("#model_version:v2025.03.14,score_date:2026-01-30T12:55:00Z"), want);
        assert_eq!(date("#model_version:v2025.03.14,score_date:2026-01-30T12:55:00+0000"), want);
        assert_eq!(date("#model_version:v2025.03.14"), None);
    }
}
