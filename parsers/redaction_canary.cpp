#include "parsers/redaction.h"

#include <algorithm>
#include <iterator>

namespace runnerwatch {
namespace {

// Made up. Prefix and rest stand apart, so that scanners of repositories do not take them for real.
struct Planted {
    const char* before;
    const char* secret;
    const char* behind;
};

constexpr Planted planted[] = {
    {"runner token glrt-", "CANARYcanaryRUNNER00001", "\n"},
    {"personal token glpat-", "CANARYcanaryPERSONAL001", "\n"},
    {"deploy token gldt-", "CANARYcanaryDEPLOY00001", "\n"},
    {"job token glcbt-", "CANARYcanaryJOB00000001", "\n"},
    {"trigger token glptt-", "CANARYcanaryTRIGGER0001", "\n"},
    {"registration token GR1348941", "CANARYcanaryREGISTER01", "\n"},
    {"web token eyJhbGciOiJub25lIn0.", "Q0FOQVJZY2FuYXJ5", ".c2lnbmF0dXJl\n"},
    {"clone https://ci:", "CANARYcanaryURL", "@gitlab.example.com/group/app.git\n"},
    {"Authorization: Bearer ", "CANARYcanaryBEARER", "\n"},
    {"PRIVATE-TOKEN: ", "CANARYcanaryHEADER", "\n"},
    {"password=", "CANARYcanaryPASSWORD", "\n"},
    {"{\"client_secret\":\"", "CANARYcanarySECRET", "\"}\n"},
    {"-----BEGIN RSA PRIVATE KEY-----\n", "Q0FOQVJZY2FuYXJ5S0VZ",
     "\n-----END RSA PRIVATE KEY-----\n"},
};

}  // namespace

std::string redaction_canary() {
    std::string text;
    for (const auto& [before, secret, behind] : planted) ((text += before) += secret) += behind;
    return text;
}

bool holds_canary_secret(std::string_view kept) {
    return std::any_of(std::begin(planted), std::end(planted), [&](const Planted& plant) {
        return kept.find(plant.secret) != std::string_view::npos;
    });
}

}  // namespace runnerwatch
