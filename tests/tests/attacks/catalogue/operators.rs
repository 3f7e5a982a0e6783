//! O: attacks by operators.

use super::{Elsewhere, Letter, Open};

pub(crate) const LETTER: Letter = Letter {
    cases: &[],
    elsewhere: &[
        Elsewhere {
            id: "O01",
            tests: &[
                "importer/tests/control/main.rs::o01_an_approval_replayed_to_another_kit_or_to_the_same_kit_again_is_void",
                "importer/tests/control/main.rs::o01_an_approver_who_is_removed_afterwards_does_not_count",
                "importer/tests/control/main.rs::o01_the_uploader_and_the_uploaders_second_signature_approve_nothing",
            ],
        },
        Elsewhere {
            id: "O02",
            tests: &[
                "importer/tests/control/main.rs::o02_i7_a_staged_kit_whose_bytes_were_exchanged_is_never_activated",
            ],
        },
        Elsewhere {
            id: "O03",
            tests: &[
                "importer/tests/control/main.rs::o03_doing_without_approval_needs_the_console_and_is_possible_once_in_a_day",
                "importer/tests/control/main.rs::o03_an_emergency_is_for_kits_and_cannot_be_withdrawn",
            ],
        },
        Elsewhere {
            id: "O04",
            tests: &[
                "importer/tests/control/main.rs::o04_who_is_nobody_in_the_policy_neither_asks_nor_acts",
                "tests/tests/audit.rs::o04_no_command_takes_anything_out_of_the_audit_log_and_taking_it_away_is_noticed",
            ],
        },
    ],
    open: &[Open {
        id: "O04",
        reason: "there are no roles and no import API yet, so nobody is told 403 as an auditor",
    }],
};
