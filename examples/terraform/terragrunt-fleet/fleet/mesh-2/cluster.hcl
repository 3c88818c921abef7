locals {
  name       = "mesh-2"
  account    = "222222222222"
  region     = "eu-west-1"
  vpc_id     = "vpc-00000000000000002"
  subnet_ids = ["subnet-0000000000000201", "subnet-0000000000000202"]
}
