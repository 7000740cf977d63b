#pragma once

#include "parsers/result.h"
#include "parsers/rule.h"

#include <string>
#include <string_view>

namespace runnerwatch {

// A pack as bytes, so that what the build has verified is taken up again in no time. For the
// program built together with them only: they carry no version. Every field is in them.
std::string packed(const RulePack& pack);

// The pack that the bytes were made of, or why they cannot be.
Result<RulePack, std::string> unpacked(std::string_view bytes);

// The pack built into the binary: verified when it was built, and not again. Made anew by each
// call.
RulePack built_in_pack();

}  // namespace runnerwatch
