"""What the name of a Java archive says, where nothing in it says more.

`<artifact>-<version>[-<classifier>]` is how Maven's repository names files; OSGi writes `<name>_<version>`. The group
stands in neither: the table has it for publishers whose build tools leave Maven's own files out.
"""

import functools
import re

_QUALIFIER = (
    r"(?:snapshot|release|final|ga|jre|android|alpha|beta|rc|cr|m|sp|pre|b|jdk|java|incubating|redhat|atlassian|"
    r"cp|hotfix|patch|sec|v|r|p|build|dev|ea|psd|csp|preview|jbossorg|fuse|ccs|ce|h|j|oss|viaversion|stable)"
)
_VERSION = re.compile(
    rf"\d+(?:\.\d+)*(?:(?<=\.\d)_\d+)?[a-z]?\d*(?:[._-](?:\d[\da-f]*|{_QUALIFIER}[._-]?\d*(?![a-z])|[\da-f]{{7,40}}(?![\da-z])))*+",
    re.IGNORECASE,
)
_MAX_NAME = 300
_SPLIT = re.compile(r"-(?=\d|v\d+\.)")
_OSGI = re.compile(r"(.+)_(\d+\.\d+\.\d+(?:\.[\w-]+)?)")

# artifact, group; or artifact, group, first major version of another group, that group
_TABLE = """
spring-boot(-.*)? org.springframework.boot
spring-security-.* org.springframework.security
spring-data-.* org.springframework.data
spring-cloud-.* org.springframework.cloud
spring-session-.* org.springframework.session
spring-batch-.* org.springframework.batch
spring-integration-.* org.springframework.integration
spring-kafka(-.*)? org.springframework.kafka
spring-(amqp|rabbit(-.*)?) org.springframework.amqp
spring-(ws-.*|xml) org.springframework.ws
spring-hateoas org.springframework.hateoas
spring-retry org.springframework.retry
spring-plugin-.* org.springframework.plugin
spring-ldap-.* org.springframework.ldap
spring-graphql org.springframework.graphql
spring-(aop|aspects|beans|context|context-(indexer|support)|core|core-test|expression) org.springframework
spring-(instrument|jcl|jdbc|jms|messaging|orm|oxm|r2dbc|test|tx|web|webflux|webmvc|websocket) org.springframework
kotlin-.* org.jetbrains.kotlin
kotlinx-.* org.jetbrains.kotlinx
annotations org.jetbrains
tomcat-embed-.* org.apache.tomcat.embed
tomcat-.* org.apache.tomcat
bc(prov|pkix|pg|mail|util|tls|jmail)-.* org.bouncycastle
bc-fips org.bouncycastle
kafka(-clients|_2\\.\\d+|-(server|streams|storage|metadata|raft|tools).*) org.apache.kafka
connect-(api|runtime|json|transforms|file|mirror|basic-auth-extension).* org.apache.kafka
lucene-.* org.apache.lucene
solr-.* org.apache.solr
log4j log4j
log4j-.+ org.apache.logging.log4j
slf4j-.* org.slf4j
(jul-to|jcl-over|log4j-over)-slf4j org.slf4j
logback-(core|classic|access) ch.qos.logback
groovy(-.*)? org.codehaus.groovy 4 org.apache.groovy
reactor-(core|test) io.projectreactor
reactor-netty(-.*)? io.projectreactor.netty
micrometer-.* io.micrometer
grpc-.* io.grpc
netty-.* io.netty
opentelemetry-.* io.opentelemetry
opentracing-.* io.opentracing
okhttp com.squareup.okhttp 3 com.squareup.okhttp3
okhttp-.* com.squareup.okhttp3
logging-interceptor com.squareup.okhttp3
okio(-jvm)? com.squareup.okio
retrofit com.squareup.retrofit2
elasticsearch(-(core|x-content|cli|geo|lz4|secure-sm|plugin-classloader|ssl-config|dissect|grok))? org.elasticsearch
(aggs-matrix-stats|lang-mustache|mapper-extras|parent-join|percolator|rank-eval|reindex)-client org.elasticsearch.plugin
elasticsearch-rest-client(-sniffer)? org.elasticsearch.client
elasticsearch-rest-high-level-client org.elasticsearch.client
opensearch(-(core|common|x-content|cli|geo))? org.opensearch
scala-(library|reflect|compiler) org.scala-lang
scala3-library_3 org.scala-lang
asm(-(analysis|commons|tree|util))? org.ow2.asm
aspectj(weaver|rt|tools) org.aspectj
hibernate-core org.hibernate 6 org.hibernate.orm
hibernate-(entitymanager|ehcache|c3p0|envers|jpamodelgen) org.hibernate 6 org.hibernate.orm
hibernate-validator org.hibernate 6 org.hibernate.validator
hibernate-commons-annotations org.hibernate.common
lombok org.projectlombok
mysql-connector-java mysql
mysql-connector-j com.mysql
mariadb-java-client org.mariadb.jdbc
postgresql org.postgresql
mssql-jdbc com.microsoft.sqlserver
ojdbc\\d+ com.oracle.database.jdbc
htmlunit(-.*)? net.sourceforge.htmlunit 3 org.htmlunit
icu4j(-.*)? com.ibm.icu
ecj org.eclipse.jdt
h2 com.h2database
hsqldb org.hsqldb
derby.* org.apache.derby
xercesImpl xerces
(xalan|serializer) xalan
xml-apis(-ext)? xml-apis
xmlbeans org.apache.xmlbeans
xmlgraphics-commons org.apache.xmlgraphics
batik-.* org.apache.xmlgraphics
fop(-.*)? org.apache.xmlgraphics
jcommander com.beust
reactive-streams org.reactivestreams
lz4-java org.lz4
snappy-java org.xerial.snappy
sqlite-jdbc org.xerial
graal-sdk org.graalvm.sdk
perfmark-api io.perfmark
junrar com.github.junrar
jcip-annotations net.jcip
checker-(compat-)?qual org.checkerframework
activation javax.activation
jsp-api javax.servlet.jsp
json org.json
ivy org.apache.ivy
gax(-.*)? com.google.api
api-common com.google.api
java-jwt com.auth0
opencensus-.* io.opencensus
jodd-.* org.jodd
jffi com.github.jnr
spotbugs-annotations com.github.spotbugs
jaxb-(core|impl) com.sun.xml.bind
akka-.* com.typesafe.akka
brave(-.*)? io.zipkin.brave
zipkin io.zipkin.zipkin2
zipkin-reporter(-.*)? io.zipkin.reporter2
RoaringBitmap org.roaringbitmap
micronaut-.* io.micronaut
tagsoup org.ccil.cowan.tagsoup
ant(-launcher)? org.apache.ant
cglib(-nodep)? cglib
dom4j dom4j 2 org.dom4j
jdom2? org.jdom
axis org.apache.axis
itext com.lowagie
jtds net.sourceforge.jtds
jaxen jaxen
antlr4(-runtime)? org.antlr
rxjava io.reactivex 2 io.reactivex.rxjava2 3 io.reactivex.rxjava3
graphql-java com.graphql-java
quartz org.quartz-scheduler
poi(-.*)? org.apache.poi
jackson-(core|mapper|jaxrs|xc)-asl org.codehaus.jackson
jackson-(core|databind|annotations) com.fasterxml.jackson.core
jackson-datatype-.* com.fasterxml.jackson.datatype
jackson-dataformat-.* com.fasterxml.jackson.dataformat
jackson-module-.* com.fasterxml.jackson.module
guava com.google.guava
gson com.google.code.gson
guice com.google.inject
protobuf-java(-util)? com.google.protobuf
snakeyaml org.yaml
commons-(io|lang|codec|logging|collections|fileupload|beanutils|cli|digester|net|pool|dbcp|httpclient|validator|jxpath|configuration|el) commons-\\1
commons-(lang3|text|compress|csv|math3|collections4|configuration2|pool2|dbcp2|exec|email|vfs2|jexl3) org.apache.commons
jetty-.* org.eclipse.jetty
undertow-.* io.undertow
struts2-.* org.apache.struts
velocity(-engine-.*)? org.apache.velocity
http(client|core|mime|core-nio|asyncclient) org.apache.httpcomponents
httpclient5(-.*)? org.apache.httpcomponents.client5
httpcore5(-.*)? org.apache.httpcomponents.core5
hadoop-.* org.apache.hadoop
zookeeper(-jute)? org.apache.zookeeper
jedis redis.clients
mongodb-driver-.* org.mongodb
bson org.mongodb
mongo-java-driver org.mongodb
clojure org.clojure
HikariCP com.zaxxer
caffeine com.github.ben-manes.caffeine
jakarta\\.servlet-api jakarta.servlet
javax\\.servlet-api javax.servlet
servlet-api javax.servlet
activemq-.* org.apache.activemq
shiro-.* org.apache.shiro
xstream com.thoughtworks.xstream
jna(-platform)? net.java.dev.jna
vertx-.* io.vertx
thymeleaf(-.*)? org.thymeleaf
testng org.testng
junit junit
hamcrest(-.*)? org.hamcrest
mockito-.* org.mockito
byte-buddy(-agent)? net.bytebuddy
joda-time joda-time
jsoup org.jsoup
json-path com.jayway.jsonpath
json-smart net.minidev
jruby(-.*)? org.jruby
"""


@functools.cache
def _groups() -> tuple[tuple[re.Pattern[str], list[str]], ...]:
    rows = (line.split() for line in _TABLE.strip().split("\n"))
    return tuple((re.compile(pattern), groups) for pattern, *groups in rows)


def split(stem: str) -> tuple[str, str]:
    """Part a file name without extension into artifact and version; an empty version where it names none.

    `log4j-1.2-api-2.14.1` is cut before 2.14.1: the first cut whose rest is a version counts. A classifier after
    the version is dropped.
    """
    if len(stem) > _MAX_NAME:
        return stem, ""
    cuts = list(_SPLIT.finditer(stem))[:20]
    for cut in cuts:
        rest = stem[cut.end() :].removeprefix("v")
        if cut.start() and _VERSION.fullmatch(rest):
            return stem[: cut.start()], rest
    for cut in reversed(cuts):
        found = _VERSION.match(stem[cut.end() :].removeprefix("v"))
        if cut.start() and found and "." in found[0]:
            return stem[: cut.start()], found[0]
    bundle = _OSGI.fullmatch(stem)
    if bundle:
        return bundle[1], bundle[2]
    return stem, ""


def group(artifact: str, version: str) -> str:
    """Look up the group of a well-known artifact; empty where the table does not know it."""
    for pattern, groups in _groups():
        found = pattern.fullmatch(artifact)
        if found:
            chosen = found.expand(groups[0]) if "\\" in groups[0] else groups[0]
            major = re.match(r"\d+", version)
            for since, later in zip(groups[1::2], groups[2::2], strict=False):
                if major and int(major[0][:9]) >= int(since):
                    chosen = later
            return chosen
    return ""
