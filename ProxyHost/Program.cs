using Mesh.ProxyHost.Hosting;
using Microsoft.Extensions.Options;

// Exit codes: 0 stopped cleanly, 1 fault, 2 bad configuration.
try
{
    await ProxyHostApp.RunAsync(args);
    return 0;
}
catch (OptionsValidationException mistakes)
{
    foreach (var mistake in mistakes.Failures)
    {
        await Console.Error.WriteLineAsync(mistake);
    }

    return 2;
}
catch (InvalidOperationException mistake) when (mistake.Source == "Microsoft.Extensions.Configuration.Binder")
{
    await Console.Error.WriteLineAsync(mistake.Message);
    return 2;
}
catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return 1;
}
catch (OperationCanceledException)
{
    // Told to stop before it had enrolled.
    return 0;
}
