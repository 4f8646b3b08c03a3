//! The process edge: arguments, environment and streams are read here and handed down.

use std::process::ExitCode;

/// A call makes and drops some hundred small things; this takes a tenth off its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let process = cmek::Process::of_this_process();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "ERROR: (cmek) cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cmek::run(process));
    // Threads that still wait for a file or a socket must not hold the exit up.
    runtime.shutdown_background();
    ExitCode::from(code)
}
