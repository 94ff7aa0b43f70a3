# -*- encoding: utf-8 -*-
# stub: stub-only 2.0.1 java lib

Gem::Specification.new do |s|
  s.name = NAME
  s.version = Stub::VERSION
end
