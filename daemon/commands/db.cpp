#include "daemon/commands/db.h"

#include "daemon/commands/text_blocks.h"
#include "parsers/visible_text.h"
#include "storage/database_copy.h"
#include "storage/legal_hold.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <ostream>

namespace runnerwatch {

namespace {

// Somebody or something speaks against it, but all could be asked: 1. Otherwise 2.
int refusal(const StoreError& error, std::ostream& errors) {
    errors << "runnerwatch: " << visible_text(error.what) << "\n";
    switch (error.kind) {
        case StoreError::Kind::locked:
        case StoreError::Kind::newer_version:
        case StoreError::Kind::older_version:
        case StoreError::Kind::corrupt:
        case StoreError::Kind::exists:
            return 1;
        case StoreError::Kind::read_only:
        case StoreError::Kind::full:
        case StoreError::Kind::too_long:
        case StoreError::Kind::network_file_system:
        case StoreError::Kind::io:
            return 2;
    }
    return 2;
}

// "1.5 MiB"
std::string size_words(std::uint64_t bytes) {
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
    double size = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (size >= 1024 && unit + 1 < units.size()) {
        size /= 1024;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s", size, units[unit]);
    return text;
}

std::string holds(const DatabaseCheck& check) {
    return counted(static_cast<std::uint64_t>(check.incidents), "incident") + ", " +
           counted(static_cast<std::uint64_t>(check.evidence), "kept record") + ", " +
           size_words(check.bytes) + ", schema " + std::to_string(check.schema);
}

void print_findings(const DatabaseCheck& check, std::ostream& out) {
    for (const auto& found : check.damage) out << "damaged: " << visible_text(found) << "\n";
    for (const auto& found : check.breaches) out << "wrong: " << visible_text(found) << "\n";
}

int printed(int code, std::ostream& out) { return out.flush() ? code : 2; }

}  // namespace

int dump_database(const std::string& file, std::ostream& out, std::ostream& errors) {
    auto reader = Reader::open(file);
    const auto dump = reader ? (*reader)->canonical_dump() : failure(reader.error());
    if (!dump) {
        errors << "runnerwatch: " << visible_text(dump.error().what) << "\n";
        return 2;
    }
    out << *dump;
    return printed(0, out);
}

int show_check(const std::string& file, std::ostream& out, std::ostream& errors) {
    const auto check = check_database(file);
    if (!check) return refusal(check.error(), errors);
    print_findings(*check, out);
    if (check->passed()) {
        out << "in order: " << (check->schema == 0 ? "nothing was written yet" : holds(*check))
            << "\n";
    } else if (!check->damage.empty()) {
        out << "This database cannot be trusted. Keep it for examination and put back a backup: "
               "`runnerwatch db restore BACKUP --database "
            << file << "`.\n";
    } else {
        out << "It can be read and written, but what is named here contradicts itself, which is a "
               "defect of runnerwatch: please report it.\n";
    }
    return printed(check->passed() ? 0 : 1, out);
}

int write_backup(const std::string& file, const std::string& to, bool overwrite, std::ostream& out,
                 std::ostream& errors) {
    BackupOptions options;
    options.overwrite = overwrite;
    const auto check = back_up_database(file, to, options);
    if (!check) return refusal(check.error(), errors);
    print_findings(*check, out);
    out << "backed up and verified: " << to << " (" << holds(*check) << ")\n";
    return printed(check->passed() ? 0 : 1, out);
}

int restore_backup(const std::string& backup, const std::string& file, Timestamp now,
                   std::ostream& out, std::ostream& errors) {
    std::string suffix = format_time(now).substr(0, 19);  // 2026-11-30T02:10:03
    std::erase_if(suffix, [](char c) { return c == '-' || c == ':'; });
    const auto restored = restore_database(backup, file, suffix + "Z");
    if (!restored) return refusal(restored.error(), errors);
    print_findings(restored->check, out);
    out << "restored and verified: " << file << " (" << holds(restored->check) << ")\n";
    if (!restored->kept.empty()) out << "what it replaced is kept: " << restored->kept << "\n";
    return printed(restored->check.passed() ? 0 : 1, out);
}

int vacuum(const std::string& file, std::ostream& out, std::ostream& errors) {
    const auto vacuumed = vacuum_database(file);
    if (!vacuumed) return refusal(vacuumed.error(), errors);
    out << "was " << size_words(vacuumed->bytes_before) << " (" << vacuumed->bytes_before
        << " bytes), is " << size_words(vacuumed->bytes_after) << " (" << vacuumed->bytes_after
        << " bytes): " << file << "\n";
    return printed(0, out);
}

namespace {

int print_outcome(const Result<HoldOutcome, StoreError>& outcome, const std::string& id,
                  const char* done, const char* as_it_was, std::ostream& out,
                  std::ostream& errors) {
    if (!outcome) return refusal(outcome.error(), errors);
    switch (*outcome) {
        case HoldOutcome::done:
            out << "incident " << visible_text(id) << " " << done << "\n";
            return printed(0, out);
        case HoldOutcome::no_such_incident:
            errors << "runnerwatch: there is no incident " << visible_text(id)
                   << ". Numbers, ULIDs and keys are taken; `runnerwatch incidents` lists them.\n";
            return 1;
        case HoldOutcome::as_it_was:
            errors << "runnerwatch: incident " << visible_text(id) << " " << as_it_was
                   << ". `runnerwatch db holds` lists what is.\n";
            return 1;
    }
    return 2;
}

}  // namespace

int hold(const std::string& file, const std::string& id, const std::string& by,
         const std::string& reason, Timestamp now, std::ostream& out, std::ostream& errors) {
    return print_outcome(hold_incident(file, id, by, reason, now), id,
                         "is on legal hold: retention passes over it", "is on legal hold already",
                         out, errors);
}

int unhold(const std::string& file, const std::string& id, const std::string& by, Timestamp now,
           std::ostream& out, std::ostream& errors) {
    return print_outcome(release_incident(file, id, by, now), id,
                         "is no longer on legal hold: retention may remove it",
                         "is not on legal hold", out, errors);
}

int list_holds(const std::string& file, ListFormat format, std::ostream& out,
               std::ostream& errors) {
    const auto holds = legal_holds(file);
    if (!holds) return refusal(holds.error(), errors);
    const bool for_people = format == ListFormat::table || format == ListFormat::markdown;
    const auto words = [&](const std::optional<Timestamp>& at) {
        using json = nlohmann::ordered_json;
        if (!at) return for_people ? json("") : json();
        return json(for_people ? format_time_for_people(*at) : format_time(*at));
    };
    Listing listing{{{"number", "#"},
                     {"at", "SINCE"},
                     {"by", "BY"},
                     {"reason", "REASON"},
                     {"released_at", "LIFTED"},
                     {"released_by", "LIFTED BY"},
                     {"title", "WHAT"}},
                    {}};
    for (const auto& one : *holds)
        listing.rows.push_back({{"number", one.number},
                                {"incident", one.incident},
                                {"title", one.title},
                                {"at", words(one.at)},
                                {"by", one.by},
                                {"reason", one.reason},
                                {"released_at", words(one.released_at)},
                                {"released_by", one.released_by}});
    out << rendered(listing, format);
    return printed(0, out);
}

}  // namespace runnerwatch
