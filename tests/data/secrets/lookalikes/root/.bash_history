mysql -u root -p
docker login -u me --password-stdin < token.txt
curl -u me https://shop.test/
export TOKEN=$(cat /run/secrets/token)
sshpass -e ssh host
openssl passwd -6
