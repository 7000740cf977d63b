#pragma once

namespace runnerwatch {

// Whether this processor has AVX2. May be asked before main().
inline bool has_avx2() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") > 0;
#else
    return false;
#endif
}

}  // namespace runnerwatch
