//! Bounds of a snapshot, checked by the compiler before writing and by the proxy before using.

/// Bytes of one slice: 256 MiB.
pub const SLICE_BYTES: u64 = 256 << 20;
/// Bytes of one origins blob: 256 MiB.
pub const ORIGINS_BYTES: u64 = 256 << 20;
/// Bytes of a manifest: 16 MiB.
pub const MANIFEST_BYTES: u64 = 16 << 20;
/// Bytes of a manifest that registries take: 4 MiB. One beyond is served from a folder, and cannot be pushed. Source: docker-registry 2.8,
/// `maxManifestBodySize`; clients of the containers project read no more either.
pub const PUSHED_MANIFEST_BYTES: u64 = 4 << 20;
/// Bytes of all manifests of one layout together that are looked at: 256 MiB.
pub const MANIFESTS_BYTES: u64 = 256 << 20;
/// Bytes of the file `oci-layout`: 4 KiB.
pub const LAYOUT_BYTES: u64 = 4 << 10;
/// Bytes of an index: 64 KiB.
pub const INDEX_BYTES: u64 = 64 << 10;
/// Generations stay below this number, which every reader of JSON holds exactly; a snapshot that had it could never be replaced.
pub const GENERATION_TOP: u64 = (1 << 53) - 1;
/// Routes of one slice: 2,000,000.
pub const ROUTES: u32 = 2_000_000;
/// Segments of one path pattern: 64.
pub const SEGMENTS: usize = 64;
/// Listeners of one node: 256.
pub const LISTENERS: usize = 256;
/// Clusters of one node: 65,536.
pub const CLUSTERS: usize = 65_536;
/// Addresses of one static cluster: 4,096.
pub const ENDPOINTS: usize = 4_096;
/// States of one automaton: 10,000.
pub const AUTOMATON_STATES: usize = 10_000;
/// Bytes of one automaton: 1 MiB for a single expression, 16 MiB for all those of a host together.
pub const AUTOMATON_BYTES: usize = 1 << 20;
/// Bytes of the automaton of all path expressions of one host.
pub const HOST_AUTOMATON_BYTES: usize = 16 << 20;
/// States of the automaton of all path expressions of one host.
pub const HOST_AUTOMATON_STATES: usize = 100_000;
/// Steps of finding the route of one request at most, whatever it asks for: 16,384. A step is a place of the path index, a
/// route whose path has the request's, or a condition of such a route; the sum is over what one path could meet
/// at worst.
pub const REQUEST_STEPS: usize = 16_384;
/// Automata that one header or parameter of a request to one host is held against: 16. As a rule all expressions for a name are
/// one automaton; where that would be too large, each is its own.
pub const VALUE_AUTOMATA: usize = 16;
/// Different expressions for paths in the access rules of one node, each of which may be held against the path of a call: 64.
pub const ACCESS_AUTOMATA: usize = 64;
/// Bytes of one regular expression: 4 KiB.
pub const EXPRESSION_BYTES: usize = 4 << 10;
/// Tries of one request: 10.
pub const ATTEMPTS: u8 = 10;
/// Milliseconds of a timeout: 24 hours.
pub const TIMEOUT_MILLIS: u32 = 86_400_000;
/// Bytes of the body of a fixed response: 64 KiB.
pub const RESPONSE_BYTES: usize = 64 << 10;
/// Bytes of the head of a request: 60 KiB.
pub const HEAD_BYTES: u32 = 60 << 10;
/// Fields of the head of a request: 100.
pub const HEAD_FIELDS: u32 = 100;
/// Bytes of the target of a request: 8 KiB.
pub const TARGET_BYTES: u32 = 8 << 10;
/// How long an idle connection to a service is kept when nothing is said, in milliseconds: a minute. Common servers keep
/// theirs from 5 to 75 s and announce it if it is less (Node), so that longer would meet closed connections.
pub const KEEP_ALIVE_MILLIS: u32 = 60_000;
/// Retries a second that a worker may send to a cluster whatever the budget says: 10.
pub const RETRY_FLOOR: u64 = 10;
/// The parts that the shares of one route sum to: a million.
pub const SHARES: u32 = 1_000_000;
/// Slots in a row that may be taken in a hash index; the encoder makes a larger one beyond.
pub const PROBES: usize = 256;
