# -*- encoding: utf-8 -*-

Gem::Specification.new do |s|
  s.name = %q{old}
  s.version = "1.0"

  s.authors = [%q{Somebody}]
  s.licenses = [%q{Ruby}, 'GPL-2.0']
end
