locals {
  name       = "mesh-3"
  account    = "333333333333"
  region     = "us-east-1"
  vpc_id     = "vpc-00000000000000003"
  subnet_ids = ["subnet-0000000000000301", "subnet-0000000000000302"]
}
