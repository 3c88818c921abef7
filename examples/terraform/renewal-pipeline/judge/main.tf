# Reads a plan as `terraform show -json` prints it and says whether it renews and does nothing else.
# The core evaluates this by itself (`terraform console`): no other program has to read the plan.

variable "plan" {
  description = "The file with the plan in JSON."
  type        = string
}

locals {
  plan = jsondecode(file(var.plan))

  # A move or an import changes the state, also where the object stays as it is. Reading changes nothing.
  changes = [
    for resource in try(local.plan.resource_changes, []) : resource
    if !contains(["[\"no-op\"]", "[\"read\"]"], jsonencode(resource.change.actions))
    || can(resource.previous_address) || can(resource.change.importing.id)
  ]

  # Ours, and changed in place.
  updated = [
    for resource in local.changes : resource
    if contains(["istiopca_intermediate", "istiopca_cacerts_secret"], resource.type)
    && jsonencode(resource.change.actions) == "[\"update\"]"
    && !can(resource.previous_address)
  ]

  # With every value that is known as it was: what is not known yet is in `after_unknown`, and a
  # certificate that is issued makes its own outputs so.
  quiet = [
    for resource in local.updated : resource
    if alltrue([
      for name, value in resource.change.after :
      name == "issue_reason" || jsonencode(value) == jsonencode(try(resource.change.before[name], null))
    ])
  ]

  # A new certificate is issued, because its time has come.
  renewed = [
    for resource in local.quiet : resource.address
    if try(resource.change.after_unknown.certificate_arn, false)
    && try(resource.change.after.issue_reason, null) == "renewal"
  ]

  # A Secret that takes over what is renewed in the same plan.
  follow = [
    for resource in local.quiet : resource.address
    if try(resource.change.after_unknown.certificate, false)
    && resource.type == "istiopca_cacerts_secret" && length(local.renewed) > 0
  ]

  held = [
    for resource in local.changes : resource.address
    if !contains(concat(local.renewed, local.follow), resource.address)
  ]

  # A plan that leaves something for later, or also calls an action, does more than renew.
  whole = try(local.plan.complete, true) && !try(local.plan.errored, false) && length(try(local.plan.action_invocations, [])) == 0

  verdict = (
    !local.whole ? "hold: the plan is not whole" :
    length(local.held) > 0 ? "hold: ${join(", ", local.held)}" :
    length(local.renewed) > 0 ? "renew: ${join(", ", concat(local.renewed, local.follow))}" :
    "hold: outputs only"
  )
}
