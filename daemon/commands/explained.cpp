#include "daemon/commands/explained.h"

#include "daemon/commands/rule_json.h"
#include "daemon/commands/scan_report.h"
#include "parsers/line_framer.h"
#include "parsers/line_prefix.h"
#include "parsers/record_reader.h"

#include <algorithm>
#include <tuple>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t text_bytes_max = 8 * 1024;

// Joins the lines of a text to records and keeps what the rules say about each.
class Explainer : public RecordReader::Handler {
public:
    Explainer(const Matcher& matcher, std::size_t most, std::size_t nearest)
        : matcher_(matcher), tracer_(matcher.pack()), most_(most), nearest_(nearest) {}

    void line(std::string_view text, bool cut) {
        const PrefixedLine split = split_prefix(text);
        if (reader_.held_lines() == 0) {
            prefix_time_ = split.time;
            pod_ = split.pod;
            container_ = split.container;
        }
        reader_.line({split.text, split.time, ++lines_, cut}, *this);
    }
    void end() { reader_.end(*this); }

    void on_head(const RecordHead& head) override;
    void on_continuation(const SourceLine& line) override {
        if (beyond == 0 && !records.empty()) records.back().line_end = line.number;
    }
    void on_record_end() override {}

    std::vector<Explained> records;
    std::size_t beyond = 0;

private:
    const Matcher& matcher_;
    RuleTracer tracer_;
    std::size_t most_, nearest_;
    RecordReader reader_;
    std::uint64_t lines_ = 0;
    std::optional<Timestamp> prefix_time_;
    std::string pod_, container_;
};

void Explainer::on_head(const RecordHead& head) {
    if (records.size() == most_) {
        ++beyond;
        return;
    }
    Explained one;
    one.line = head.first_line;
    one.line_end = head.last_line;
    one.prefix_time = head.time;
    one.pod = pod_;
    one.container = container_;
    one.cut = head.cut;
    one.record = decode_record(head.raw);
    Match match = matcher_.match(one.record);
    for (const RecoveryHit& hit : match.recoveries)
        one.recoveries.insert(one.recoveries.end(), hit.line->proves.begin(),
                              hit.line->proves.end());
    std::sort(one.recoveries.begin(), one.recoveries.end(), [](const auto& a, const auto& b) {
        return std::tie(a.rule, a.index) < std::tie(b.rule, b.index);
    });
    if (!match.detections.empty()) one.detection = std::move(match.detections.front());
    for (const Rule* rule : matcher_.rules_that_match(one.record))
        if (!one.detection || rule != one.detection->rule) one.others.push_back(rule);
    if (one.detection) {
        const Rule& rule = *one.detection->rule;
        one.ways = tracer_.ways(rule, one.record);
        for (const Cause& cause : rule.causes)
            one.causes.push_back(tracer_.cause(cause, one.record, one.detection->captures));
    }
    one.near_misses = tracer_.near_misses(one.record, nearest_);
    records.push_back(std::move(one));
}

json values_json(const Values& values) {
    json object = json::object();
    for (const auto& [name, value] : values) object[name] = shown(value, text_bytes_max);
    return object;
}

json way_json(const WayTrace& way) {
    json conditions = json::array();
    for (const ConditionTrace& one : way.conditions) {
        json condition = {{"what", one.what}, {"pattern", one.pattern}, {"met", one.met}};
        if (!one.met) condition["why_not"] = shown(one.why_not, text_bytes_max);
        if (!one.needed) condition["needed"] = false;
        conditions.push_back(std::move(condition));
    }
    return conditions;
}

json detection_json(const Explained& one) {
    const Detection& detection = *one.detection;
    const Rule& rule = *detection.rule;
    json object = rule_summary(rule);
    for (const WayTrace& way : one.ways)
        if (way.matched && !object.contains("conditions")) object["conditions"] = way_json(way);
    object["captures"] = values_json(detection.captures);
    object["identity"] = json::object();
    for (const auto& [name, value] : detection.identity)
        object["identity"][name] = shown(value, text_bytes_max);
    object["also"] = detection.also;
    object["opens"] = opening_words(rule);
    object["causes"] = json::array();
    for (std::size_t i = 0; i < rule.causes.size(); ++i) {
        json cause = {
            {"id", rule.causes[i].id},
            {"confidence", to_string(rule.causes[i].confidence)},
            {"holds", one.causes[i].met},
            {"says", shown(fill_template(rule.causes[i].says, detection.values), text_bytes_max)}};
        if (!one.causes[i].met) cause["why_not"] = shown(one.causes[i].why_not, text_bytes_max);
        object["causes"].push_back(std::move(cause));
    }
    object["recovers"] = json::array();
    for (const Recovery& recovery : rule.recover)
        object["recovers"].push_back(recovery_words(recovery));
    return object;
}

}  // namespace

std::vector<Explained> explain_text(const Matcher& matcher, const std::string& text,
                                    std::size_t most, std::size_t nearest, std::size_t& beyond) {
    Explainer explainer(matcher, most, nearest);
    LineFramer framer;
    framer.feed(text, [&](const FramedLine& line) { explainer.line(line.text, line.cut); });
    if (framer.rest().bytes > 0) explainer.line(framer.rest().text, framer.rest().cut);
    explainer.end();
    beyond = explainer.beyond;
    return std::move(explainer.records);
}

json explained_json(const Explained& one) {
    json fields = json::object();
    for (const Field& field : one.record.fields)
        fields[shown(field.key, 200)] = shown(field.value, text_bytes_max);
    json object = {{"line", one.line},
                   {"line_end", one.line_end},
                   {"format", to_string(one.record.format)},
                   {"level", to_string(one.record.level)},
                   {"message", shown(one.record.message, text_bytes_max)},
                   {"fields", std::move(fields)},
                   {"time", nullptr},
                   {"prefix_time", nullptr}};
    if (one.record.time) object["time"] = format_time(*one.record.time);
    if (one.prefix_time) object["prefix_time"] = format_time(*one.prefix_time);
    if (!one.pod.empty()) object["pod"] = one.pod;
    if (!one.container.empty()) object["container"] = one.container;
    if (one.cut) object["cut"] = true;
    object["matched"] = one.detection ? detection_json(one) : json();
    object["others"] = json::array();
    for (const Rule* rule : one.others)
        object["others"].push_back(
            {{"id", rule->id}, {"catalog", rule->catalog}, {"precedence", rule->precedence}});
    object["recovery_of"] = json::array();
    for (const auto& [ended, index] : one.recoveries)
        object["recovery_of"].push_back(
            {{"id", ended->id},
             {"by", recovery_words(ended->recover[static_cast<std::size_t>(index)])}});
    object["near_misses"] = json::array();
    for (const NearMiss& miss : one.near_misses)
        object["near_misses"].push_back({{"id", miss.rule->id},
                                         {"catalog", miss.rule->catalog},
                                         {"conditions", way_json(miss.way)}});
    return object;
}

}  // namespace runnerwatch
