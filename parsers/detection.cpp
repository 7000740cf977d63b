// What a detection says of a record, and what of it is remembered.
#include "parsers/compiled_pack.h"

#include <algorithm>
#include <iterator>

namespace runnerwatch {
namespace {

bool by_key(const FieldView& a, const FieldView& b) { return a.key < b.key; }

}  // namespace

Values Matcher::Compiled::values_of(const RecordView& record, const Values& captures,
                                    std::size_t more) {
    RecordView::Fields fields = record.fields();
    if (!std::is_sorted(fields.begin(), fields.end(), by_key))
        std::stable_sort(fields.begin(), fields.end(), by_key);
    Values::sequence_type values;
    values.reserve(captures.size() + fields.size() + more);
    auto capture = captures.begin();
    const auto add_captures = [&](const auto& before) {
        for (; capture != captures.end() && before(capture->first); ++capture)
            values.emplace_back(capture->first, capture->second);
    };
    for (const FieldView& field : fields) {
        add_captures([&](const std::string& name) { return name <= field.key; });
        if (values.empty() || values.back().first != field.key)
            values.emplace_back(field.key, field.value);
    }
    add_captures([](const std::string&) { return true; });
    Values all;
    all.adopt_sequence(boost::container::ordered_unique_range, std::move(values));
    return all;
}

namespace {

bool has_wording(const Rule& rule, const std::string& name) {
    return std::any_of(rule.wordings.begin(), rule.wordings.end(),
                       [&](const Wording& wording) { return wording.name == name; });
}

}  // namespace

// Logs repeat themselves: nearly every record of a flood has an older one that it agrees with.
Matcher::Compiled::Decided& Matcher::Compiled::decide(const RecordView& record,
                                                      const Judgement& judgement) const {
    const auto put = [this](const auto& value) {
        decision_key.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    decision_key.clear();
    put(judgement.number);
    for (const std::string* name : judgement.decided_by) {
        const std::string_view* value = record.field(*name);
        put(value == nullptr ? static_cast<std::size_t>(-1) : value->size());
        if (value != nullptr) decision_key.append(*value);
    }
    bool fresh = false;
    Decided& decided = decisions.at(decision_key, fresh);
    if (fresh) decided.found = detect_all(record, judgement);
    return decided;
}

void Matcher::Compiled::describe(Decided& decided, const RecordView& record) const {
    decided.described = true;
    Found& winner = decided.found.front();
    const Rule& rule = *winner.way->rule;
    decided.captures =
        winner.captures ? *std::move(winner.captures) : captures_of(*winner.way, record);
    const Values& captures = decided.captures;
    for (const Wording& wording : rule.wordings)
        if (holds(wording.when, record, captures)) decided.wordings.push_back(&wording);
    const Values values = values_of(record, captures, 0);
    for (const IdentityPart& part : winner.way->identity)
        if (part.function != IdentityPart::Function::none && !has_wording(rule, part.name))
            decided.identity.push_back(part.of(values));
    for (const Cause& cause : rule.causes)
        if (std::all_of(cause.when.begin(), cause.when.end(), [&](const Condition& condition) {
                return holds(condition, record, captures);
            }))
            decided.causes.push_back(&cause);
    std::stable_sort(decided.causes.begin(), decided.causes.end(),
                     [](const Cause* a, const Cause* b) { return a->confidence > b->confidence; });
    const auto add = [&](const std::string& catalog) {
        auto& also = decided.also;
        if (!catalog.empty() && catalog != rule.catalog &&
            std::find(also.begin(), also.end(), catalog) == also.end())
            also.push_back(catalog);
    };
    for (auto loser = std::next(decided.found.begin()); loser != decided.found.end(); ++loser)
        if (!loser->way->rule->notice) add(loser->way->rule->catalog);
    for (const Cause* cause : decided.causes) add(cause->catalog);
}

Detection Matcher::Compiled::detection_of(Decided& decided, const RecordView& record) const {
    if (!decided.described) describe(decided, record);
    const Way& way = *decided.found.front().way;
    const Rule& rule = *way.rule;
    Detection detection;
    detection.rule = &rule;
    detection.also = decided.also;
    detection.captures = decided.captures;
    detection.values = values_of(record, decided.captures, decided.wordings.size() + 1);
    for (const Wording* wording : decided.wordings)
        detection.values.emplace(wording->name, fill_template(wording->says, detection.values));
    detection.identity.reserve(way.identity.size());
    auto known = decided.identity.begin();
    for (const IdentityPart& part : way.identity) {
        const bool is_known =
            part.function != IdentityPart::Function::none && !has_wording(rule, part.name);
        auto mine = is_known ? *known++ : part.of(detection.values);
        if (mine) detection.identity.push_back(*std::move(mine));
    }
    // A field that the identity masks keeps its whole text.
    for (const auto& [name, value] : detection.identity)
        if (name == "host") detection.values.insert_or_assign(name, value);
    detection.causes.reserve(decided.causes.size());
    for (const Cause* cause : decided.causes)
        detection.causes.push_back({cause, fill_template(cause->says, detection.values)});
    if (way.detect->absent) detection.absent = &*way.detect->absent;
    return detection;
}

}  // namespace runnerwatch
