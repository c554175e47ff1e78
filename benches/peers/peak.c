/* The dot-product peak of one core, in billions of multiply-adds a second (GMAC/s): AMX tiles where there are
 * any, the fastest vector instruction for bytes that the CPU has, and f32 FMA, in loops that touch registers only.
 *
 * Prints a line for each: "<instruction> <register> <best> <median>" over BURSTS bursts of about a millisecond.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BURSTS = 101, LOOPS = 500000, ACCUMULATORS = 12, TILE_LOOPS = LOOPS / 10 };

/* Twelve independent accumulators hide the latency of two instructions a cycle. */
#define TWELVE(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11)
#define VNNI(i) "vpdpbusd %%zmm15, %%zmm14, %%zmm" #i "\n\t"
#define MADD512(i) "vpmaddwd %%zmm15, %%zmm14, %%zmm13\n\tvpaddd %%zmm13, %%zmm" #i ", %%zmm" #i "\n\t"
#define MADD256(i) "vpmaddwd %%ymm15, %%ymm14, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #i ", %%ymm" #i "\n\t"
#define FMA512(i) "vfmadd231ps %%zmm15, %%zmm14, %%zmm" #i "\n\t"
#define FMA256(i) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #i "\n\t"
#define ZERO(i) "vpxor %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n\t"

#define VECTORS                                                                                             \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",       \
        "xmm12", "xmm13", "xmm14", "xmm15"

/* All registers are zeroed first: denormal floats would be slow. */
#define BURST(name, op)                                                                                     \
    static void name(void) {                                                                                \
        long loops = LOOPS;                                                                                 \
        __asm__ volatile(TWELVE(ZERO) ZERO(13) ZERO(14) ZERO(15) "1:\n\t" TWELVE(op)                        \
                         "dec %0\n\tjnz 1b\n\tvzeroupper"                                                   \
                         : "+r"(loops) : : "cc", VECTORS);                                                  \
    }
BURST(vnni, VNNI)
BURST(madd512, MADD512)
BURST(madd256, MADD256)
BURST(fma512, FMA512)
BURST(fma256, FMA256)

/* Twelve products, in four tiles in turn; all eight tiles have 16 rows of 64 bytes. */
#define TILES4 "tdpbusd %%tmm7, %%tmm6, %%tmm0\n\ttdpbusd %%tmm7, %%tmm6, %%tmm1\n\t"                       \
               "tdpbusd %%tmm7, %%tmm6, %%tmm2\n\ttdpbusd %%tmm7, %%tmm6, %%tmm3\n\t"
static void tiles(void) {
    static const struct {
        unsigned char palette, rest[15];
        unsigned short row_bytes[16];
        unsigned char rows[16];
    } shape = {1, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    long loops = TILE_LOOPS;
    __asm__ volatile("ldtilecfg %1\n1:\n\t" TILES4 TILES4 TILES4 "dec %0\n\tjnz 1b\n\ttilerelease"
                     : "+r"(loops) : "m"(shape) : "cc");
}

/* Linux must be asked for tiles: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA. */
static int tiles_available(void) {
    return __builtin_cpu_supports("amx-int8") && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `macs`: multiply-adds that one instruction does. */
static void report(const char *name, void burst(void), int macs, int loops) {
    double rates[BURSTS];
    burst(); /* wakes the vector units */
    for (int i = 0; i < BURSTS; i++) {
        double start = now();
        burst();
        rates[i] = 1e-9 * macs * ACCUMULATORS * loops / (now() - start);
    }
    qsort(rates, BURSTS, sizeof *rates, ascending);
    printf("%s %.1f %.1f\n", name, rates[BURSTS - 1], rates[BURSTS / 2]);
}

int main(void) {
    __builtin_cpu_init();
    if (tiles_available())
        report("tdpbusd tmm", tiles, 16 * 16 * 64, TILE_LOOPS);
    if (__builtin_cpu_supports("avx512vnni"))
        report("vpdpbusd zmm", vnni, 64, LOOPS);
    else if (__builtin_cpu_supports("avx512bw"))
        report("vpmaddwd zmm", madd512, 32, LOOPS);
    else if (__builtin_cpu_supports("avx2"))
        report("vpmaddwd ymm", madd256, 16, LOOPS);
    if (__builtin_cpu_supports("avx512f"))
        report("vfmadd231ps zmm", fma512, 16, LOOPS);
    else if (__builtin_cpu_supports("fma"))
        report("vfmadd231ps ymm", fma256, 8, LOOPS);
}
