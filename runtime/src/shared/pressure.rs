//! How much memory and how many descriptors are left, as workers see it.
//!
//! One thread measures and writes, workers read one number: no lock, and nothing is counted on the way of a
//! request. What is shed, and in which order, is [`Shedding`].

use std::str::FromStr;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};

use tokio::sync::watch;

/// What is shed at the moment; each step includes those before it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Shedding {
    /// Nothing.
    #[default]
    Nothing,
    /// New connections are closed, and idle ones sooner than otherwise.
    Connections,
    /// New requests are answered with 503 and the reason `overloaded-memory`.
    Requests,
    /// The connections that hold the most are cut.
    Buffers,
}

impl Shedding {
    /// All steps, in the order in which they are taken.
    pub const ALL: [Self; 4] = [
        Self::Nothing,
        Self::Connections,
        Self::Requests,
        Self::Buffers,
    ];

    /// The name on `/ready` and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Connections => "connections",
            Self::Requests => "requests",
            Self::Buffers => "buffers",
        }
    }

    /// The number in metrics: how many steps are taken.
    pub fn code(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Connections => 1,
            Self::Requests => 2,
            Self::Buffers => 3,
        }
    }
}

/// An order to all workers to free memory.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cut {
    /// Bytes that all workers together are to free by cutting the connections that hold the most; 0 is no order
    /// to cut, but to give back what is free already.
    pub bytes: u64,
}

/// What workers ask before they take something on.
#[derive(Debug)]
pub struct Pressure {
    shedding: AtomicU8,
    resident: AtomicU64,
    cuts: watch::Sender<Cut>,
    client_descriptors: AtomicI32,
    upstream_descriptors: AtomicI32,
}

impl Pressure {
    /// Nothing is shed; of `descriptors` that the process may have some are kept back.
    pub fn new(descriptors: Option<u64>) -> Self {
        let reserve = Reserve::of(descriptors);
        Self {
            shedding: AtomicU8::new(Shedding::Nothing.code()),
            resident: AtomicU64::new(0),
            cuts: watch::Sender::new(Cut::default()),
            client_descriptors: AtomicI32::new(reserve.clients),
            upstream_descriptors: AtomicI32::new(reserve.upstreams),
        }
    }

    /// What is shed now.
    pub fn shedding(&self) -> Shedding {
        match self.shedding.load(Ordering::Relaxed) {
            0 => Shedding::Nothing,
            1 => Shedding::Connections,
            2 => Shedding::Requests,
            _ => Shedding::Buffers,
        }
    }

    /// Resident memory when it was measured last, in bytes; 0 when it is not measured.
    pub fn resident(&self) -> u64 {
        self.resident.load(Ordering::Relaxed)
    }

    /// Whether a connection of a client with this descriptor may stay: the kernel gives out the lowest free
    /// number, so a number says how many are taken.
    pub fn has_room_for_client(&self, descriptor: i32) -> bool {
        descriptor < self.client_descriptors.load(Ordering::Relaxed)
    }

    /// The same for a connection to an upstream.
    pub fn has_room_for_upstream(&self, descriptor: i32) -> bool {
        descriptor < self.upstream_descriptors.load(Ordering::Relaxed)
    }

    /// Says what is shed from now on.
    pub fn set(&self, shedding: Shedding, resident: u64) {
        self.resident.store(resident, Ordering::Relaxed);
        self.shedding.store(shedding.code(), Ordering::Relaxed);
    }

    /// Orders all workers to free memory.
    pub fn order(&self, cut: Cut) {
        self.cuts.send_replace(cut);
    }

    /// The orders, for a worker to wait for.
    pub fn orders(&self) -> watch::Receiver<Cut> {
        self.cuts.subscribe()
    }
}

impl Default for Pressure {
    /// Without bounds.
    fn default() -> Self {
        Self::new(None)
    }
}

/// The first descriptors that are not for clients, and not for upstreams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Reserve {
    clients: i32,
    upstreams: i32,
}

impl Reserve {
    /// A quarter is kept for upstreams and files, and a sixteenth for files alone, within bounds: a proxy that
    /// cannot read a new certificate or snapshot is as bad as one that is full.
    fn of(descriptors: Option<u64>) -> Self {
        let Some(all) = descriptors else {
            return Self {
                clients: i32::MAX,
                upstreams: i32::MAX,
            };
        };
        let below = |reserve: u64| i32::try_from(all.saturating_sub(reserve)).unwrap_or(i32::MAX);
        let files = (all / 16).clamp(16, 256);
        Self {
            clients: below((all / 4).clamp(32, 65_536)),
            upstreams: below(files),
        }
    }
}

/// The most memory that the process is to hold, in bytes: 32 MiB or more.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct MemoryBound(u64);

impl MemoryBound {
    /// The smallest bound.
    pub const LEAST: u64 = 32 << 20;

    /// Accepts `bytes` when that is at least [`MemoryBound::LEAST`].
    pub fn new(bytes: u64) -> Option<Self> {
        (Self::LEAST <= bytes).then_some(Self(bytes))
    }

    /// The bound in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// `percent` of the bound, in bytes.
    pub fn part(self, percent: u64) -> u64 {
        (self.0 / 100).saturating_mul(percent)
    }
}

impl FromStr for MemoryBound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "use a whole number with `MiB` or `GiB`, such as `512MiB`".to_owned();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(form)?;
        let number: u64 = number.parse().map_err(|_error| form())?;
        let unit: u64 = match unit {
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(form()),
        };
        let bytes = number.checked_mul(unit).ok_or_else(form)?;
        Self::new(bytes).ok_or_else(|| "must be at least 32MiB".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_what_was_set_and_in_order() {
        let pressure = Pressure::default();
        for step in Shedding::ALL {
            pressure.set(step, 1);
            assert_eq!(pressure.shedding(), step);
        }
        assert!(Shedding::ALL.is_sorted());
    }

    #[test]
    fn a_quarter_of_the_descriptors_is_kept_and_a_part_of_it_for_files() {
        let of = |all| {
            let Reserve { clients, upstreams } = Reserve::of(Some(all));
            (clients, upstreams)
        };
        assert_eq!(of(64), (32, 48));
        assert_eq!(of(1_024), (768, 960));
        assert_eq!(of(1 << 20), ((1 << 20) - 65_536, (1 << 20) - 256));
        assert_eq!(of(1), (0, 0));
        assert_eq!(of(u64::MAX), (i32::MAX, i32::MAX));
    }

    #[test]
    fn a_bound_is_a_number_with_a_unit() {
        let bytes = |text: &str| text.parse::<MemoryBound>().map(MemoryBound::bytes);
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        for wrong in [
            "",
            "MiB",
            "31MiB",
            "512",
            "512MB",
            "-1GiB",
            "99999999999999999999GiB",
        ] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            MemoryBound::new(100 << 20).unwrap().part(50),
            50 * ((100 << 20) / 100)
        );
    }
}
