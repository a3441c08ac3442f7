//! The harness of the golden tests: a folder is a case, and its input stands beside what is expected of it.
//!
//! | kind | a case has | and is right when |
//! |---|---|---|
//! | `reject` | a spec, `expected.txt` | the compiler refuses it with exactly this text |
//! | `warn` | a spec, `expected.txt` | the compiler accepts it, and says exactly this |
//! | `diff` | a spec in `old/` and one in `new/` | every form of what `weft diff` says is exactly this |
//! | `hostile` | `steps.sh`, `expected.txt` | the commands say exactly this of what somebody hostile has prepared |
//! | `lower` | a spec, `expected/<node>.json` | each node's slice, read back, is exactly this |
//! | `route` | a spec, `requests.txt` | each request is decided as the line below it says |
//! | `why`, `test`, `callers`, `witness` | a spec, `asks.txt`, `expected.txt` | the command of that name answers each line with exactly this |
//! | `serve` | a spec, `exchanges.txt` | proxies on real sockets answer as it says, and `why` agrees |
//! | `reload` | a spec, `changes/`, `steps.txt` | every step ends as it says, and a load loses nothing |
//!
//! Adding a case is adding a folder. `UPDATE=1` rewrites what is expected in the first kinds, up to `witness`;
//! a digest is written as `sha256:...`.

mod agreement;
pub mod exchange;
pub mod expectation;
pub mod folder;
pub mod kinds;
mod origin;
pub mod page;
pub mod programs;
pub mod runner;
pub mod stand;
