//! J: attacks by tokens.

use super::{Elsewhere, Letter, Open};

pub(crate) const LETTER: Letter = Letter {
    cases: &[],
    elsewhere: &[
        Elsewhere { id: "J01", tests: &["ouk/tests/tokens/forged.rs::j01_no_algorithm_but_eddsa_counts"] },
        Elsewhere { id: "J02", tests: &["ouk/tests/tokens/forged.rs::j02_a_key_id_is_looked_up_and_nothing_else"] },
        Elsewhere {
            id: "J03",
            tests: &["ouk/tests/tokens/forged.rs::j03_a_token_does_not_say_how_it_wants_to_be_verified"],
        },
        Elsewhere { id: "J04", tests: &["ouk/tests/tokens/forged.rs::j04_every_claim_is_there_and_is_of_its_kind"] },
        Elsewhere { id: "J05", tests: &["ouk/tests/tokens/forged.rs::j05_time_has_no_leeway"] },
        Elsewhere {
            id: "J06",
            tests: &["ouk/tests/tokens/forged.rs::j06_a_time_that_never_goes_back_revives_nothing"],
        },
        Elsewhere { id: "J07", tests: &["ouk/tests/tokens/forged.rs::j07_a_token_is_good_in_its_own_place_only"] },
        Elsewhere {
            id: "J08",
            tests: &[
                "ouk/tests/tokens/forged.rs::j08_a_changed_claim_breaks_the_signature",
                "ouk/tests/tokens/forged.rs::j08_a_quota_is_a_number_that_makes_sense",
                "ouk/tests/tokens/mint.rs::j08_a_known_id_with_other_claims_is_refused_whatever_they_are",
                "ouk/tests/tokens/mint.rs::j08_a_list_may_not_give_a_known_id_to_another_token",
                "ouk/tests/tokens/mint.rs::j08_i6_a_site_token_never_grants_more_nor_outlives_its_source",
            ],
        },
        Elsewhere {
            id: "J09",
            tests: &[
                "ouk/tests/tokens/revoked.rs::j09_a_withdrawn_token_or_key_is_refused_and_takes_what_was_made_of_it_along",
                "ouk/tests/tokens/mint.rs::j09_a_key_on_its_way_out_is_good_until_the_end_of_its_grace",
            ],
        },
        Elsewhere {
            id: "J10",
            tests: &[
                "ouk/tests/tokens/forged.rs::j10_a_token_can_be_read_in_one_way_only",
                "ouk/tests/tokens/forged.rs::j10_the_compact_form_has_one_spelling",
            ],
        },
        Elsewhere {
            id: "J11",
            tests: &[
                "ouk/tests/tokens/revoked.rs::j11_a_key_of_small_order_or_of_another_spelling_never_enters_a_list",
            ],
        },
        Elsewhere {
            id: "J12",
            tests: &["ouk/tests/tokens/mint.rs::j12_a_list_without_a_good_token_is_no_defect_of_the_kit"],
        },
        Elsewhere { id: "J13", tests: &["ouk/tests/tokens/mint.rs::j13_two_site_keys_verify_while_a_rotation_lasts"] },
        Elsewhere { id: "J15", tests: &["ouk/tests/tokens/forged.rs::j15_no_message_and_no_debug_form_shows_a_token"] },
    ],
    open: &[
        Open { id: "J07", reason: "the readers tell tokens apart; no API of the appliance asks for one yet" },
        Open { id: "J08", reason: "the readers refuse it; the importer does not read the tokens of a kit yet" },
        Open { id: "J09", reason: "the readers refuse it; the importer does not apply revocations yet" },
        Open { id: "J12", reason: "the reader takes the list as no defect; the importer does not warn of it yet" },
        Open { id: "J13", reason: "two keys overlap; no key is sealed to a TPM" },
        Open { id: "J14", reason: "nothing counts scans against a quota yet" },
        Open { id: "J15", reason: "no message shows a token; logs, receipts and core dumps are not searched" },
    ],
};
