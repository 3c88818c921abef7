module istiopca.test/parts/opentofu

go 1.26.6

require github.com/opentofu/opentofu v1.12.6

// OpenTofu's own replacement, which does not reach those who depend on it.
replace github.com/hashicorp/hcl/v2 => github.com/opentofu/hcl/v2 v2.20.2-0.20251021132045-587d123c2828
