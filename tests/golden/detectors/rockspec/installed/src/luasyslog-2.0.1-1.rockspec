local package_name = "luasyslog"
local package_version = '2.0.1'
local rockspec_revision = "1" -- bumped by hand

package = package_name
version = package_version .. "-" .. rockspec_revision
source = { url = "git+https://github.com/lunarmodules/" .. package_name .. ".git" }
