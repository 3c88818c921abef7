locals {
  name       = "mesh-1"
  account    = "222222222222"
  region     = "eu-west-1"
  vpc_id     = "vpc-00000000000000001"
  subnet_ids = ["subnet-0000000000000101", "subnet-0000000000000102"]
}
