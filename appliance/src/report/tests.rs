//! Golden files in `tests/data/reports`, hostile documents, and the published schema.

pub(crate) mod samples;
mod vex;

use super::{Format, Report, Style, render};
use serde_json::Value;

const PLAIN: Style = Style { colour: false, width: None, suppressed: false };

fn rendered(report: &Report, format: Format, style: &Style) -> String {
    let mut out = Vec::new();
    render(report, format, style, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn json(report: &Report, format: Format) -> Value {
    serde_json::from_str(&rendered(report, format, &PLAIN)).expect("the report is JSON")
}

fn assert_golden(got: &str, want: &str) {
    assert!(got == want, "the report differs from its golden file; if that is meant, store this:\n{got}");
}

#[test]
fn reports_equal_their_golden_files() {
    let report = samples::with_findings();
    let table = rendered(&report, Format::Table, &PLAIN);
    assert_golden(&table, include_str!("../../../tests/data/reports/findings.table.txt"));
    let json = rendered(&report, Format::Json, &PLAIN);
    assert_golden(&json, include_str!("../../../tests/data/reports/findings.json"));
    let sarif = rendered(&report, Format::Sarif, &PLAIN);
    assert_golden(&sarif, include_str!("../../../tests/data/reports/findings.sarif"));
}

#[test]
fn reports_on_an_empty_document_equal_their_golden_files() {
    let report = samples::empty();
    let table = rendered(&report, Format::Table, &PLAIN);
    assert_golden(&table, include_str!("../../../tests/data/reports/empty.table.txt"));
    let json = rendered(&report, Format::Json, &PLAIN);
    assert_golden(&json, include_str!("../../../tests/data/reports/empty.json"));
    let sarif = rendered(&report, Format::Sarif, &PLAIN);
    assert_golden(&sarif, include_str!("../../../tests/data/reports/empty.sarif"));
}

#[test]
fn a_report_without_findings_still_says_what_was_covered_and_decided() {
    let report = samples::empty();
    let table = rendered(&report, Format::Table, &PLAIN);
    assert!(table.contains("Findings: 0") && table.contains("Coverage: 0 of 0"), "{table}");
    assert!(table.contains("osv     age unknown"), "{table}");
    assert!(table.lines().last().is_some_and(|line| line.starts_with("Verdict: INDETERMINATE: the document")));
    let run = &json(&report, Format::Sarif)["runs"][0];
    assert_eq!(run["results"], Value::Array(Vec::new()));
    assert_eq!(run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"]["id"], "verdict/indeterminate");
}

#[test]
fn every_format_is_found_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert_eq!("cyclonedx-json".parse(), Ok(Format::CycloneDx));
    assert!("pdf".parse::<Format>().is_err_and(|error| error.to_string().contains("use table, json")));
}

#[test]
fn no_line_of_the_table_is_wider_than_the_terminal_allows() {
    let report = samples::with_findings();
    for width in [60, 80, 100, 120, 140, 200] {
        let table = rendered(&report, Format::Table, &Style { colour: false, width: Some(width), suppressed: false });
        let findings = table.lines().filter(|line| line.contains('│'));
        for line in findings {
            assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
        }
    }
}

#[test]
fn a_title_is_shortened_to_the_room_that_is_left() {
    let report = samples::with_findings();
    let narrow = rendered(&report, Format::Table, &Style { colour: false, width: Some(140), suppressed: false });
    assert!(narrow.contains("Unintended leak") && narrow.contains('…'), "{narrow}");
    let tiny = rendered(&report, Format::Table, &Style { colour: false, width: Some(80), suppressed: false });
    assert!(!tiny.contains("Unintended") && tiny.contains("(no room for titles at this width)"), "{tiny}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let report = samples::with_findings();
    let plain = rendered(&report, Format::Table, &PLAIN);
    let coloured = rendered(&report, Format::Table, &Style { colour: true, width: None, suppressed: false });
    assert!(coloured.contains("│ \u{1b}[1;31mCRITICAL\u{1b}[0m │") && coloured.contains("\u{1b}[1;31mFAIL\u{1b}[0m"));
    assert!(!plain.contains('\u{1b}'));
    let mut stripped = coloured;
    while let Some((before, after)) = stripped.split_once('\u{1b}') {
        let after = after.split_once('m').expect("a colour code ends in m").1;
        stripped = format!("{before}{after}");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn hostile_text_cannot_act_on_the_terminal_or_forge_a_line() {
    let report = samples::hostile();
    for format in Format::ALL {
        let text = rendered(&report, format, &Style { colour: false, width: Some(200), suppressed: true });
        let acting = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert_eq!(text.chars().find(|c| acting(*c)), None, "{format:?}: {text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("Verdict: PASS")), "{format:?}: {text}");
    }
    let table = rendered(&report, Format::Table, &PLAIN);
    let verdicts = table.lines().filter(|line| line.starts_with("Verdict:"));
    assert_eq!(verdicts.count(), 1, "{table}");
    // A forged separator does not shift the columns: every row keeps its eight cells.
    let rows = table.lines().skip_while(|line| !line.contains('┼')).skip(1).take_while(|line| !line.is_empty());
    let separators: Vec<_> = rows.map(|row| row.matches('│').count()).collect();
    assert_eq!(separators, [7, 7, 7], "{table}");
}

#[test]
fn hostile_text_survives_in_json() {
    let report = samples::hostile();
    let document = json(&report, Format::Json);
    assert_eq!(document["findings"][0]["package"], Value::from(report.evaluation.findings[0].package.clone()));
    assert_eq!(document["artifact"]["name"], Value::from(report.artifact.clone()));
}

#[test]
fn hostile_text_plants_no_link_in_sarif() {
    let run = &json(&samples::hostile(), Format::Sarif)["runs"][0];
    let message = run["results"][0]["message"]["text"].as_str().expect("a text");
    assert!(message.contains(r"\[z\](https://evil)") && message.contains("{{0}}"), "{message}");
    let uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
    assert!(uri.is_some_and(|uri| uri.is_ascii() && !uri.contains([' ', '[', '{', ':'])), "{uri:?}");
}

#[test]
fn each_sarif_result_names_its_rule_by_index() {
    let run = &json(&samples::with_findings(), Format::Sarif)["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert_eq!((rules.len(), results.len()), (4, 4));
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index");
        let rule = usize::try_from(index).ok().and_then(|index| rules.get(index)).expect("a rule");
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(rule["defaultConfiguration"]["level"], result["level"]);
    }
}

#[test]
fn a_security_severity_never_contradicts_the_severity() {
    let run = &json(&samples::with_findings(), Format::Sarif)["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let of = |id: &str| {
        let rule = rules.iter().find(|rule| rule["id"] == id).expect(id);
        rule["properties"].get("security-severity").cloned()
    };
    assert_eq!(of("CVE-2021-44228"), Some("10.0".into()));
    assert_eq!(of("GHSA-j8r2-6x86-q33q"), Some("6.1".into()));
    // Rated low by its vendor, 9.8 by somebody else: the vendor's word counts.
    assert_eq!(of("CVE-2023-45853"), Some("0.1".into()));
    assert_eq!(of("CVE-2025-26519"), None);
}

#[test]
fn every_unevaluated_group_is_a_notification() {
    let run = &json(&samples::with_findings(), Format::Sarif)["runs"][0];
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("notifications");
    let ids: Vec<_> = notifications.iter().filter_map(|it| it["descriptor"]["id"].as_str()).collect();
    assert_eq!(ids, ["unevaluated/missing-purl", "unevaluated/no-data", "document/warning"]);
    assert_eq!(run["properties"]["verdict"]["outcome"], "fail");
}

#[test]
fn the_json_document_has_exactly_the_keys_of_the_published_schema() {
    let schema = include_str!("../../../docs/schemas/report-v1.json");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    for report in [samples::with_findings(), samples::empty(), samples::hostile(), samples::with_vex()] {
        let problems = problems(&json(&report, Format::Json), &schema, &schema, "$");
        assert_eq!(problems, Vec::<String>::new());
    }
    // The check can fail: a key too many, a key too few, a wrong type.
    let mut document = json(&samples::with_findings(), Format::Json);
    document["surprise"] = Value::Null;
    document["verdict"]["outcome"] = "perhaps".into();
    document["summary"].as_object_mut().expect("an object").remove("disputed");
    let found = problems(&document, &schema, &schema, "$");
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn every_key_of_the_schema_is_explained() {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/schemas/report-v1.json")).expect("JSON");
    let explained = include_str!("../../../docs/report-json.md");
    let parts = schema["$defs"].as_object().expect("definitions").values().chain([&schema]);
    let keys: Vec<_> = parts.flat_map(|part| part["properties"].as_object().expect("an object").keys()).collect();
    assert!(keys.len() > 50, "{keys:?}");
    let silent: Vec<_> = keys
        .into_iter()
        .filter(|key| ![format!("`{key}`"), format!(".{key}`")].iter().any(|form| explained.contains(form.as_str())))
        .collect();
    assert!(silent.is_empty(), "docs/report-json.md says nothing about {silent:?}");
}

/// The part of JSON Schema that the published schema uses, and stricter in one point: every
/// property must be required, so that the schema can not promise less than is written.
fn problems(value: &Value, rule: &Value, root: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = rule["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').expect("references stay inside");
        return problems(value, root.pointer(pointer).expect(reference), root, at);
    }
    if let Some(options) = rule["anyOf"].as_array() {
        let fits = options.iter().any(|option| problems(value, option, root, at).is_empty());
        return if fits { Vec::new() } else { vec![format!("{at} fits no alternative")] };
    }
    let mut found = Vec::new();
    if !has_type(value, &rule["type"]) {
        found.push(format!("{at} is not of type {}", rule["type"]));
    }
    if rule["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at} is none of {}", rule["enum"]));
    }
    if rule.get("const").is_some_and(|constant| constant != value) {
        found.push(format!("{at} is not {}", rule["const"]));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(problems(item, &rule["items"], root, &format!("{at}[{index}]")));
    }
    if let (Some(object), Some(properties)) = (value.as_object(), rule["properties"].as_object()) {
        let required: Vec<_> = rule["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let unknown = object.keys().filter(|key| !properties.contains_key(*key));
        found.extend(unknown.map(|key| format!("{at}.{key} is not in the schema")));
        let missing = properties.keys().filter(|key| !object.contains_key(*key));
        found.extend(missing.map(|key| format!("{at}.{key} is missing")));
        let optional = properties.keys().filter(|key| !required.contains(&key.as_str()));
        found.extend(optional.map(|key| format!("{at}.{key} is not required by the schema")));
        for (key, item) in object {
            if let Some(rule) = properties.get(key) {
                found.extend(problems(item, rule, root, &format!("{at}.{key}")));
            }
        }
    }
    found
}

fn has_type(value: &Value, types: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema uses an unknown type {other}"),
    };
    match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

#[test]
fn cyclonedx_is_the_same_document_each_time() {
    let report = samples::with_findings();
    let document = json(&report, Format::CycloneDx);
    assert_eq!(document["bomFormat"], "CycloneDX");
    let serial = document["serialNumber"].as_str().expect("a serial number");
    assert!(serial.starts_with("urn:uuid:") && serial.len() == 45, "{serial}");
    assert_eq!(rendered(&report, Format::CycloneDx, &PLAIN), rendered(&report, Format::CycloneDx, &PLAIN));
}
