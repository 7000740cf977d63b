#include "parsers/pattern_steps.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace runnerwatch {
namespace {

using Step = PatternProgram::Step;
using Op = Step::Op;

constexpr std::size_t ascii = 128;

// Adds what a step takes itself.
void add_before(const Step& step, const std::vector<ByteSet>& sets, const std::string& literals,
                Step& of) {
    if (step.op == Op::literal) {
        of.before.add(literals[static_cast<std::size_t>(step.at)]);
    } else if (step.op == Op::one_of || step.op == Op::run) {
        const ByteSet& bytes = sets[static_cast<std::size_t>(step.at)];
        for (std::size_t c = 0; c < ascii; ++c)
            if (bytes.has(static_cast<char>(c))) of.before.add(static_cast<char>(c));
    } else if (step.op == Op::end) {
        of.before_end = true;
    } else if (step.op == Op::match) {
        of.before_anything = true;
    }
}

}  // namespace

void join_literals(std::vector<Step>& steps, std::string& literals) {
    std::vector<bool> goal(steps.size() + 1);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto mark = [&](std::int32_t by) {
            goal[static_cast<std::size_t>(static_cast<std::int32_t>(i) + by)] = true;
        };
        if (steps[i].op == Op::either) mark(steps[i].count);
        if (steps[i].op == Op::either || steps[i].op == Op::jump) mark(steps[i].at);
    }
    std::string ordered;
    std::vector<std::int32_t> place(steps.size() + 1);  // by where the step was
    std::vector<Step> joined;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        Step step = steps[i];
        const bool more = step.op == Op::literal && !goal[i] && !joined.empty() &&
                          joined.back().op == Op::literal;
        place[i] = static_cast<std::int32_t>(joined.size()) - (more ? 1 : 0);
        if (step.op == Op::literal) {
            ordered += literals[static_cast<std::size_t>(step.at)];
            step.at = static_cast<std::int32_t>(ordered.size()) - 1;
        }
        if (more)
            ++joined.back().count;
        else
            joined.push_back(step);
    }
    place[steps.size()] = static_cast<std::int32_t>(joined.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].op != Op::either && steps[i].op != Op::jump) continue;
        Step& step = joined[static_cast<std::size_t>(place[i])];
        const auto moved = [&](std::int32_t by) {
            const auto to = static_cast<std::size_t>(static_cast<std::int32_t>(i) + by);
            return place[to] - place[i];
        };
        step.at = moved(step.at);
        if (step.op == Op::either) step.count = moved(step.count);
    }
    steps = std::move(joined);
    literals = std::move(ordered);
}

void look_ahead(std::vector<Step>& steps, const std::vector<ByteSet>& sets,
                const std::string& literals) {
    const std::vector<Step> plain = steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        Step& step = steps[i];
        step.before_anything = step.before_end = false;
        std::vector<bool> seen(steps.size());
        std::vector<std::size_t> ways{i};
        while (!ways.empty() && !step.before_anything) {
            const std::size_t number = ways.back();
            ways.pop_back();
            if (seen[number]) continue;
            seen[number] = true;
            add_before(plain[number], sets, literals, step);
            const auto go_on = [&](std::int32_t by) {
                ways.push_back(static_cast<std::size_t>(static_cast<std::int32_t>(number) + by));
            };
            const Step& one = plain[number];
            if (one.op == Op::either) go_on(one.count);
            if (one.op == Op::either || one.op == Op::jump) go_on(one.at);
            if (one.op == Op::save || one.op == Op::begin || one.op == Op::word_edge ||
                one.op == Op::no_word_edge || (one.op == Op::run && one.count == 0))
                go_on(1);
        }
        if (step.op != Op::run) continue;
        const ByteSet& bytes = sets[static_cast<std::size_t>(step.at)];
        step.ends_at = Step::ends_nowhere;
        for (std::size_t c = 0; c < ascii; ++c)
            if (!bytes.has(static_cast<char>(c)))
                step.ends_at = step.ends_at == Step::ends_nowhere ? static_cast<std::int16_t>(c)
                                                                  : Step::ends_at_many;
    }
}

}  // namespace runnerwatch
