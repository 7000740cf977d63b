// Breaks the built-in rules, one small way at a time, and sees that their samples notice. What they
// cannot notice is a line of mutation_survivors.txt with its reason; of the rest a share may
// survive, which goes down as samples are added.
#include "parsers/matcher.h"
#include "parsers/packed_rules.h"
#include "parsers/rule_loader.h"
#include "parsers/sample_check.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <set>

namespace runnerwatch {
namespace {

// The decoded records of every sample, and which rules match each.
struct SampleRecord {
    std::size_t owner;  // into pack.rules
    Record record;
    std::set<std::size_t> matching;
    int best;  // the highest precedence of those
};

class Mutations {
public:
    explicit Mutations(RulePack pack) : pack_(std::move(pack)), matcher_(pack_) {
        std::map<std::string, std::size_t> numbers;
        for (std::size_t i = 0; i < pack_.rules.size(); ++i) numbers[pack_.rules[i].id] = i;
        for (std::size_t i = 0; i < pack_.rules.size(); ++i) {
            const Rule& rule = pack_.rules[i];
            needs_.emplace_back();
            for (const auto* samples :
                 {&rule.sample_detect, &rule.sample_ignore, &rule.sample_recover})
                for (const Sample& sample : *samples) {
                    if (!sample.by.empty()) needs_[i].insert(numbers.at(sample.by));
                    for (Record& record : sample_records(sample.text)) {
                        std::set<std::size_t> matching;
                        int best = std::numeric_limits<int>::min();
                        for (const Rule* found : matcher_.rules_that_match(record)) {
                            matching.insert(numbers.at(found->id));
                            best = std::max(best, found->precedence);
                        }
                        needs_[i].insert(matching.begin(), matching.end());
                        records_.push_back({i, std::move(record), std::move(matching), best});
                    }
                }
        }
    }

    const RulePack& pack() const { return pack_; }
    const std::vector<SampleRecord>& records() const { return records_; }

    // Whether the samples of the pack fail when these rules stand in the place of those with their
    // ids. Only the rules that can notice are looked at: those changed, and those of whose samples
    // a changed rule matches one.
    bool noticed(const std::vector<Rule>& changed) const {
        std::map<std::size_t, const Rule*> mutants;
        for (const Rule& rule : changed)
            for (std::size_t i = 0; i < pack_.rules.size(); ++i)
                if (pack_.rules[i].id == rule.id) mutants[i] = &rule;
        std::set<std::size_t> judges;
        for (const auto& [number, rule] : mutants) judges.insert(number);
        if (fails(judges, mutants)) return true;
        judges.clear();
        int highest = std::numeric_limits<int>::min();
        for (const Rule& rule : changed) highest = std::max(highest, rule.precedence);
        const Matcher alone({"mutants", "1", changed});
        for (const SampleRecord& sample : records_) {
            // Where it loses, nothing changes.
            if (sample.best > highest || judges.contains(sample.owner)) continue;
            const auto matching = alone.rules_that_match(sample.record);
            if (!matching.empty() && matching.front()->precedence >= sample.best)
                judges.insert(sample.owner);
        }
        return fails(judges, mutants);
    }

private:
    // Whether the samples of the judges fail with the mutants in the place of their originals.
    bool fails(const std::set<std::size_t>& judges,
               const std::map<std::size_t, const Rule*>& mutants) const {
        std::set<std::size_t> present = judges;
        for (const auto& [number, rule] : mutants) present.insert(number);
        for (const std::size_t judge : judges)
            present.insert(needs_[judge].begin(), needs_[judge].end());
        RulePack part{"part", "1", {}};
        for (const std::size_t number : present) {
            const auto mutant = mutants.find(number);
            part.rules.push_back(mutant == mutants.end() ? pack_.rules[number] : *mutant->second);
        }
        const Matcher matcher(std::move(part));
        return std::any_of(judges.begin(), judges.end(), [&](std::size_t judge) {
            return !check_samples(matcher, *matcher.pack().find(pack_.rules[judge].id)).empty();
        });
    }

    RulePack pack_;
    Matcher matcher_;
    std::vector<SampleRecord> records_;
    std::vector<std::set<std::size_t>> needs_;  // rules that the samples of a rule concern
};

// The longest beginning of at most half a pattern that is a pattern.
std::string first_half(const std::string& pattern) {
    for (std::size_t size = pattern.size() / 2; size > 0; --size)
        if (RE2(pattern.substr(0, size), RE2::Quiet).ok()) return pattern.substr(0, size);
    return ".*";
}

// Measured: 2 % of 1500 mutants of 172 rules. What is left are raw lines without a head, which no
// sample can show behind another text, and patterns that find a word wherever it stands.
constexpr double survivors_share_max = 0.03;

struct Tally {
    int tried = 0;
    std::vector<std::string> survivors;
};

void judge(const Mutations& mutations, const std::string& name, const std::vector<Rule>& changed,
           Tally& tally) {
    ++tally.tried;
    if (!mutations.noticed(changed)) tally.survivors.push_back(name);
}

void drop_and_widen(const Mutations& mutations, const Rule& rule, Tally& tally) {
    for (std::size_t i = 0; i < rule.detect.size(); ++i) {
        const std::string way = " detect[" + std::to_string(i) + "]";
        Rule mutant = rule;
        mutant.detect.erase(mutant.detect.begin() + static_cast<std::ptrdiff_t>(i));
        judge(mutations, rule.id + way + " dropped", {mutant}, tally);
        mutant = rule;
        mutant.detect[i].message = ".*";
        judge(mutations, rule.id + way + " matches everything", {mutant}, tally);
        mutant.detect[i].message = first_half(rule.detect[i].message);
        judge(mutations, rule.id + way + " cut in half", {mutant}, tally);
        if (rule.detect[i].anywhere) continue;
        mutant = rule;
        mutant.detect[i].anywhere = true;
        judge(mutations, rule.id + way + " not anchored", {mutant}, tally);
    }
}

// The rules that win a sample of theirs against another one.
void swap_precedences(const Mutations& mutations, Tally& tally) {
    std::set<std::pair<std::size_t, std::size_t>> pairs;
    for (const SampleRecord& sample : mutations.records())
        for (const std::size_t a : sample.matching)
            for (const std::size_t b : sample.matching)
                if (mutations.pack().rules[a].precedence > mutations.pack().rules[b].precedence)
                    pairs.insert({a, b});
    for (const auto& [a, b] : pairs) {
        Rule high = mutations.pack().rules[a], low = mutations.pack().rules[b];
        std::swap(high.precedence, low.precedence);
        judge(mutations, high.id + " and " + low.id + " swapped", {high, low}, tally);
    }
}

// "mutant: reason" for each line; empty lines and those that begin with # are for people.
std::map<std::string, std::string> allowed_survivors() {
    std::ifstream file(SOURCE_DIR "/tests/parsers/mutation_survivors.txt");
    std::map<std::string, std::string> allowed;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') continue;
        const std::size_t colon = line.find(": ");
        EXPECT_NE(colon, std::string::npos) << line << " has no reason";
        if (colon != std::string::npos) allowed[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return allowed;
}

TEST(RuleMutation, IsNoticedByTheSamples) {
    const Mutations mutations(built_in_pack());
    Tally tally;
    for (const Rule& rule : mutations.pack().rules) drop_and_widen(mutations, rule, tally);
    swap_precedences(mutations, tally);
    auto allowed = allowed_survivors();
    std::string unexpected;
    int survived = 0;
    for (const std::string& survivor : tally.survivors) {
        if (allowed.erase(survivor) > 0) continue;
        unexpected += survivor + "\n";
        ++survived;
    }
    std::cout << tally.tried << " mutants, " << survived << " survived\n";
    EXPECT_LT(survived, tally.tried * survivors_share_max)
        << "add samples that tell these from the rules as they are:\n"
        << unexpected;
    for (const auto& [mutant, reason] : allowed)
        ADD_FAILURE() << mutant << " no longer survives; take it off the list";
}

}  // namespace
}  // namespace runnerwatch
