//! Whether this process may use AMX's tiles.

#![expect(unsafe_code, reason = "a system call")]

use std::{
    arch::x86_64::{__cpuid_count, __get_cpuid_max},
    sync::OnceLock,
};

/// Whether the processor supports AMX tiles with byte products, and the operating system lets this process use them.
pub(super) fn is_granted() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        // Bits of EDX: AMX-TILE and AMX-INT8.
        const TILES_OF_BYTES: u32 = 1 << 24 | 1 << 25;
        let there = __get_cpuid_max(0).0 >= 7 && __cpuid_count(7, 0).edx & TILES_OF_BYTES == TILES_OF_BYTES;
        there && is_permitted()
    })
}

/// Linux saves tiles only for processes that have asked for it (Documentation/arch/x86/xstate.rst).
#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: takes two numbers, and does not access our memory.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}
