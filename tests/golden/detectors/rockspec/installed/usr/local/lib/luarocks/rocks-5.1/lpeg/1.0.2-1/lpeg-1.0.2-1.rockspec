package = "LPeg"
version = "1.0.2-1"
source = {
   url = "http://www.inf.puc-rio.br/~roberto/lpeg/lpeg-1.0.2.tar.gz",
   md5 = "d342571886f1abcb7afe6a83d024d583",
}
description = {
   summary = "Parsing Expression Grammars For Lua",
   homepage = "http://www.inf.puc-rio.br/~roberto/lpeg.html",
   license = "MIT/X11"
}
dependencies = {
   "lua >= 5.1"
}
