#pragma once

#include <string>
#include <string_view>

namespace runnerwatch {

// Changes whenever masked() may give another text for one it gave before: what is stored under a
// masked text (identities of incidents, templates of unknown messages) names its version.
constexpr int mask_version = 1;

// Longer masked texts are cut and end in "…".
constexpr std::size_t masked_bytes_max = 400;

// What stays of a text when everything is taken out that differs between two records of the same
// trouble. Stable: the same text gives the same result in every process and on every machine.
//
//   ‹n›        numbers, with what sticks to them: 403, 1.5, 10s, 1h0m0s, 12KiB, dates and times
//   ‹id›       UUIDs, ULIDs, hex of 8 and more digits, 0x…, pod suffixes (…-7d9f8b6c5-x2x9q),
//              words of letters and at least two digits that are 7 and more long
//   ‹address›  IP addresses with port or prefix length, HOST:PORT
//   ‹url›      SCHEME://…
//   ‹path›     /a/b, C:\a, registry.example.com/a/b
//   "‹text›"   what stands in "…", '…' or `…`
//
// Words with few digits stay, because they are names: x509, http2, amd64, sha256, v1. Host names
// without a port stay. Runs of blanks become one. Takes time linear in the text.
std::string masked(std::string_view text);

}  // namespace runnerwatch
