variable "db_password" {
  type      = string
  sensitive = true
}
resource "x" "y" {
  password = var.db_password
  token    = data.vault_generic_secret.token.data["value"]
  secret_id = aws_secretsmanager_secret.shop.id
}
