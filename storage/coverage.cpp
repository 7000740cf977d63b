#include "storage/coverage.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace runnerwatch {

namespace {

struct KindWords {
    const char *kind, *words;
};

constexpr KindWords kinds[] = {
    {"rotated_while_disconnected", "the log was rotated while nobody read it"},
    {"start_unproven", "what came before the first line read may have been rotated away"},
    {"restarted_unseen", "runs of the container ended while nobody read them"},
    {"tail_unproven", "its last lines may not have been read"},
    {"pod_gone_before_open", "it was gone before it could be read"},
    {"in_band_error", "the kubelet gave an error instead of the log"},
    {"kubelet_skip", "the kubelet skipped a part of the log"},
    {"replay_unproven", "lines came again that cannot be told from new ones"},
    {"stalled", "the stream had stopped, and the log was rotated meanwhile"},
    {"file_truncated", "the file was cut off"},
    {"rotated_file_damaged", "a file that had been rotated away was damaged"},
    {"journal_vacuumed", "the last entry read before was no longer in the journal"},
    {"poison", "lines that ended runnerwatch again and again were passed over"},
    {"local_overload", "the database could not be written for too long"},
};

CoverageState state_of(const SourceCoverage& source, const SourceRow* row,
                       const PositionRow* position, Duration within) {
    if (position && position->complete) return CoverageState::complete;
    if (row && (row->ended || row->gone)) return CoverageState::ended;
    if (!source.lag) return CoverageState::unknown;
    return *source.lag <= within ? CoverageState::current : CoverageState::behind;
}

}  // namespace

const char* to_string(CoverageState state) {
    switch (state) {
        case CoverageState::current:
            return "current";
        case CoverageState::behind:
            return "behind";
        case CoverageState::unknown:
            return "unknown";
        case CoverageState::complete:
            return "complete";
        case CoverageState::ended:
            return "ended";
    }
    return "";
}

void CoverageCount::add(const Place& place, std::optional<Timestamp> read_up_to, Timestamp now,
                        Duration within) {
    ++living;
    files = files || place.member_uid.empty();
    if (!read_up_to || now - *read_up_to > within) return;
    ++current;
    if (!as_of || *read_up_to < *as_of) as_of = read_up_to;
}

std::string CoverageCount::words() const {
    return std::to_string(current) + " of " + std::to_string(living) +
           (files         ? " sources"
            : living == 1 ? " container"
                          : " containers") +
           " proven current" + (as_of ? " as of " + format_time_for_people(*as_of) : "");
}

CoverageReport coverage_report(const CoverageRows& rows, Timestamp now, Duration within) {
    struct Found {
        const SourceRow* row = nullptr;
        const PositionRow* position = nullptr;
        SourceCoverage coverage;
    };
    std::map<std::string, Found> by_instance;
    for (const auto& row : rows.sources) {
        Found& found = by_instance[row.place.instance];
        found.row = &row;
        found.coverage.place = row.place;
        found.coverage.read_up_to = row.watermark;
    }
    for (const auto& row : rows.positions) {
        Found& found = by_instance[row.instance];
        found.position = &row;
        found.coverage.lines = row.lines;
        found.coverage.place.instance = row.instance;
    }
    for (const auto& row : rows.coverage) {
        SourceCoverage& coverage = by_instance[row.instance].coverage;
        coverage.place.instance = row.instance;
        if (row.ordinal != read_ordinal) {
            coverage.gaps.push_back(row);
            continue;
        }
        coverage.read_from = row.from;
        coverage.read_up_to = std::max(coverage.read_up_to, row.to);
    }
    CoverageReport report;
    for (auto& [instance, found] : by_instance) {
        SourceCoverage& source = found.coverage;
        if (source.read_up_to) source.lag = std::max(Duration(0), now - *source.read_up_to);
        source.state = state_of(source, found.row, found.position, within);
        if (source.state == CoverageState::complete || source.state == CoverageState::ended)
            source.lag.reset();
        else
            report.count.add(source.place, source.read_up_to, now, within);
        report.sources.push_back(std::move(source));
    }
    const auto order = [](const SourceCoverage& one) {
        const Place& at = one.place;
        return std::tie(at.cluster, at.namespace_, at.member, at.container, at.instance);
    };
    std::stable_sort(report.sources.begin(), report.sources.end(),
                     [&](const auto& a, const auto& b) { return order(a) < order(b); });
    return report;
}

std::string gap_words(const CoverageRow& gap) {
    std::string words = gap.kind;
    for (const auto& known : kinds)
        if (gap.kind == known.kind) words = known.words;
    if (gap.from) words += ", from " + format_time_for_people(*gap.from);
    if (gap.to)
        words += (gap.from ? " to " : ", up to ") + format_time_for_people(*gap.to);
    else if (gap.from)
        words += " on";
    return words;
}

}  // namespace runnerwatch
