#include "parsers/fill_fix.h"

#include "parsers/ascii_lower.h"

namespace runnerwatch {

namespace {

// "deployment/gitlab-runner": kubectl's name of "Deployment/gitlab-runner".
std::string as_kubectl_takes_it(std::string workload) {
    for (char& c : workload) {
        if (c == '/') break;  // the name is in lower case already
        c = ascii_lower(c);
    }
    return workload;
}

// What a person has to put in the place of an example; empty: nothing.
std::string what_to_adapt(const ManagerName& manager) {
    if (manager.namespace_.empty())
        return " Namespace and Deployment are called gitlab-runner here: adapt both to yours.";
    if (manager.workload.empty())
        return " The Deployment is called gitlab-runner here: adapt it to yours.";
    return {};
}

}  // namespace

Values manager_values(const ManagerName& manager) {
    Values values{{"manager.namespace", "gitlab-runner"},
                  {"manager.workload", "deployment/gitlab-runner"}};
    if (manager.namespace_.empty()) return values;
    values["manager.namespace"] = manager.namespace_;
    if (!manager.workload.empty())
        values["manager.workload"] = as_kubectl_takes_it(manager.workload);
    return values;
}

Fix fill_fix(const Fix& fix, Values values, const ManagerName& manager) {
    for (auto& [name, value] : manager_values(manager)) values.insert_or_assign(name, value);
    const std::string to_adapt = what_to_adapt(manager);
    bool said = to_adapt.empty();
    Fix filled = fix;
    filled.title = fill_template(fix.title, values);
    for (FixStep& step : filled.steps) {
        step.says = fill_template(step.says, values);
        if (!said && step.command.find("{{manager.") != std::string::npos) {
            step.says += to_adapt;
            said = true;
        }
        step.command = fill_command(step.command, values);
    }
    for (std::string& folklore : filled.not_a_fix) folklore = fill_template(folklore, values);
    filled.verify = fill_template(fix.verify, values);
    return filled;
}

std::string step_words(std::string_view says, std::string_view versions) {
    std::string words;
    if (!versions.empty()) words.append("Runner ").append(versions).append(": ");
    return words.append(says);
}

}  // namespace runnerwatch
