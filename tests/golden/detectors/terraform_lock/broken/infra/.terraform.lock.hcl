provider "registry.terraform.io/hashicorp/aws" {
}
provider "registry.terraform.io/hashicorp/google" {
  version = "5.0.0"
}
