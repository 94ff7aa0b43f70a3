// The few steps of Jenkins that our step calls, done for real on this machine; what Jenkins would keep is said on standard output.
def work = new File(args[1])
def variables = [:]
def steps = new Binding()
steps.withEnv = { List pairs, Closure body ->
    pairs.each { pair -> def (name, value) = pair.split('=', 2); variables[name] = value }
    body()
}
steps.sh = { Map asked ->
    def file = new File(work, '.jenkins-script.sh')
    file.text = asked.script
    file.setExecutable(true)
    def builder = new ProcessBuilder(asked.script.startsWith('#!') ? [file.path] : ['sh', '-xe', file.path])
    builder.directory(work).inheritIO().environment().putAll(variables)
    builder.start().waitFor()
}
steps.archiveArtifacts = { Map asked -> println "kept: ${asked.artifacts}" }
steps.junit = { Map asked -> println "read: ${asked.testResults} ${new File(work, asked.testResults).exists()}" }
steps.error = { String words -> println "failed: ${words}"; System.exit(1) }
new GroovyShell(steps).parse(new File(args[0])).call(image: 'image.tar')
println 'passed'
