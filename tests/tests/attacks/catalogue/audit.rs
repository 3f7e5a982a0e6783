//! L: attacks on the audit log.

use super::{Elsewhere, Letter};

pub(crate) const LETTER: Letter = Letter {
    cases: &[],
    elsewhere: &[
        Elsewhere {
            id: "L01",
            tests: &[
                "store/tests/audit.rs::a_tail_that_was_cut_off_is_found",
                "store/tests/audit.rs::an_edited_replaced_or_missing_file_of_the_log_is_found_and_nothing_more_is_signed",
                "store/tests/audit.rs::two_checkpoints_of_one_size_are_found",
                "attest/tests/log.rs::a_log_that_was_changed_is_neither_extended_nor_vouched_for",
            ],
        },
        Elsewhere {
            id: "L02",
            tests: &[
                "store/tests/audit.rs::what_cannot_be_written_down_does_not_take_place",
                "tests/tests/audit.rs::a_log_that_cannot_be_written_stops_the_import_before_anything_is_active",
            ],
        },
        Elsewhere {
            id: "L03",
            tests: &[
                "attest/tests/log.rs::a_proof_about_ten_million_entries_reads_a_handful_of_tiles",
                "tests/tests/audit.rs::an_export_passes_programs_that_are_not_ours_and_a_changed_one_does_not",
            ],
        },
        Elsewhere {
            id: "L04",
            tests: &[
                "store/src/audit/record.rs::a_record_is_one_line_of_canonical_json_whatever_was_typed",
                "tests/tests/audit.rs::what_an_operator_types_cannot_forge_a_line_of_the_list",
            ],
        },
    ],
    open: &[],
};
