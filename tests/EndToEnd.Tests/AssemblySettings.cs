using Mesh.EndToEnd.Tests.Support;

// Each test starts processes of its own; more at once than cores would time each other out.
[assembly: Xunit.v3.Parallelization(MaxThreads = 2)]

// A silo and a ProxyHost for all tests that leave them as they were.
[assembly: AssemblyFixture(typeof(RunningMesh))]
