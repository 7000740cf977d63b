// Stands before libre2 in a daemon that a test starts with LD_PRELOAD: a matcher that cannot bear
// one text, which is not plain ASCII so that RE2 is asked. The program itself has no such place.
#include <re2/re2.h>

#include <dlfcn.h>

#include <cstdlib>

namespace re2 {

bool RE2::Match(const StringPiece& text, std::size_t begin, std::size_t end, Anchor anchor,
                StringPiece* submatch, int submatches) const {
    using Real = bool (*)(const RE2*, const StringPiece&, std::size_t, std::size_t, Anchor,
                          StringPiece*, int);
    static const Real real = reinterpret_cast<Real>(
        ::dlsym(RTLD_NEXT, "_ZNK3re23RE25MatchERKNS_11StringPieceEmmNS0_6AnchorEPS1_i"));
    if (text.find("abört.example.com") != StringPiece::npos) std::abort();
    return real(this, text, begin, end, anchor, submatch, submatches);
}

}  // namespace re2
