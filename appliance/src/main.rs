//! The one binary of Stella.
//!
//! Bands, lowest first; a module uses only lower bands (a test reads the imports):
//! 1 clock, telemetry, tls · 2 http · 3 scan, report, feedser · 4 api · 5 this file and cli.

mod api;
mod cli;
mod clock;
mod feedser;
mod http;
mod report;
mod scan;
mod telemetry;
mod tls;

fn main() -> std::process::ExitCode {
    // The worker confines itself before anything else exists in its process.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == importer::isolated::VERB) {
        return cli::import_worker();
    }
    // Any verb may hold keys or tokens.
    if let Err(error) = sandbox::keep_memory_private() {
        #[expect(clippy::print_stderr, reason = "nothing else is there yet that could report it")]
        {
            eprintln!("warning: core dumps may hold keys: {error}");
        }
    }
    tls::install_provider();
    cli::run()
}
