//! The flags of a policy, the same for every verb that judges or keeps one.

use clap::ValueEnum;
use domain::severity::Severity;
use policy::{Gate, OnUnevaluated};

#[derive(clap::Args)]
pub(crate) struct GateArgs {
    /// Fail at findings of this severity or above; `never` lets any finding pass
    #[arg(long, default_value = "unknown", env = "STELLA_FAIL_ON", value_name = "SEVERITY|never")]
    fail_on: FailOn,
    /// Findings without a fix do not fail the scan
    #[arg(long, visible_alias = "only-fixed", env = "STELLA_IGNORE_UNFIXED")]
    ignore_unfixed: bool,
    /// What components that cannot be evaluated do to the verdict
    #[arg(long, value_enum, default_value = "indeterminate", env = "STELLA_ON_UNEVALUATED")]
    on_unevaluated: OnUnevaluatedArg,
    /// A document without components passes
    #[arg(long, env = "STELLA_ALLOW_EMPTY")]
    allow_empty: bool,
    /// Data older than this, or of unknown age, makes the verdict indeterminate
    #[arg(long, env = "STELLA_DATA_AGE_DAYS_MAX", value_name = "DAYS")]
    data_age_days_max: Option<u32>,
}

impl From<&GateArgs> for Gate {
    fn from(args: &GateArgs) -> Self {
        Self {
            fail_on: args.fail_on.0,
            ignore_unfixed: args.ignore_unfixed,
            on_unevaluated: args.on_unevaluated.into(),
            allow_empty: args.allow_empty,
            data_age_days_max: args.data_age_days_max,
        }
    }
}

#[derive(Clone, Copy)]
struct FailOn(Option<Severity>);

impl std::str::FromStr for FailOn {
    type Err = domain::severity::InvalidSeverity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("never") { Ok(Self(None)) } else { text.parse().map(|level| Self(Some(level))) }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum OnUnevaluatedArg {
    Indeterminate,
    Ignore,
    Fail,
}

impl From<OnUnevaluatedArg> for OnUnevaluated {
    fn from(arg: OnUnevaluatedArg) -> Self {
        match arg {
            OnUnevaluatedArg::Indeterminate => Self::Indeterminate,
            OnUnevaluatedArg::Ignore => Self::Ignore,
            OnUnevaluatedArg::Fail => Self::Fail,
        }
    }
}
