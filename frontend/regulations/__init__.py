"""The screens of rules and clocks: the rules with their editions, the committee's forms, an exporter's declaration lines."""
