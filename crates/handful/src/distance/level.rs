//! The available instruction set, detected once.

use std::{fmt, sync::OnceLock};

/// An instruction set that the library has code for, from the simplest to the fastest.
///
/// ```
/// println!("distances are computed with {}", handful::distance::Level::detect());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Plain Rust, as the compiler vectorises it for the target's baseline.
    Scalar,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512,
    /// Also VNNI, in which a single instruction multiplies and adds four bytes.
    Avx512Vnni,
    /// Also AMX, in which a single instruction multiplies tiles of 16 vectors by 64 bytes.
    Amx,
}

impl Level {
    /// All levels, in ascending order of speed.
    pub const ALL: &[Self] = &[Self::Scalar, Self::Avx2, Self::Avx512, Self::Avx512Vnni, Self::Amx];

    /// The fastest level of this machine, or a lower one that the environment variable `HANDFUL_LEVEL` names: `scalar`,
    /// `avx2`, `avx512`, `avx512vnni` or `amx`. Any other value is ignored. Detected once.
    #[must_use]
    pub fn detect() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wanted = std::env::var("HANDFUL_LEVEL").unwrap_or_default();
            let most = Self::ALL.iter().find(|level| level.name() == wanted).unwrap_or(&Self::Amx);
            let best = Self::ALL.iter().rfind(|level| *level <= most && level.is_available());
            *best.unwrap_or(&Self::Scalar)
        })
    }

    /// Whether this machine supports the level. For [`Amx`](Self::Amx) this asks Linux to let the process use tiles.
    #[must_use]
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = || {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            };
            let vnni = || avx512() && is_x86_feature_detected!("avx512vnni");
            match self {
                Self::Scalar => true,
                Self::Avx2 => is_x86_feature_detected!("avx2"),
                Self::Avx512 => avx512(),
                Self::Avx512Vnni => vnni(),
                Self::Amx => vnni() && super::amx_permission::is_granted(),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Scalar
        }
    }

    /// The name as in `HANDFUL_LEVEL`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Vnni => "avx512vnni",
            Self::Amx => "amx",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
