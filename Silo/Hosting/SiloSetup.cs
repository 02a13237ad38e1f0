using Mesh.Grains;
using Mesh.Silo.Storage;
using Microsoft.Extensions.Options;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Compact;

namespace Mesh.Silo.Hosting;

/// <summary>What a silo and the work on its store begin with: configuration and log.</summary>
internal static class SiloSetup
{
    /// <summary>Reads the command line, the environment and <c>appsettings.json</c> beside the assembly.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args) =>
        WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

    /// <summary>Every section, or every mistake in any of them.</summary>
    /// <exception cref="OptionsValidationException">One line for each mistake.</exception>
    public static (SiloOptions Silo, StoreOptions Store) ReadOptions(WebApplicationBuilder builder)
    {
        builder.Services.AddOptionSections(builder.Configuration);
        builder.Services.AddOptionsWithValidateOnStart<SiloOptions, SiloOptionsValidator>();
        builder.Services.AddSingleton<IValidateOptions<SiloOptions>, SiloAddressValidator>();
        builder.Services.AddOptionsWithValidateOnStart<StoreOptions, StoreOptionsValidator>();
        builder.Services.AddSingleton<IValidateOptions<StoreOptions>, StoreConnectionValidator>();
        builder.Services.AddMeshGrainsOptions();
        using var early = builder.Services.BuildServiceProvider();
        var mistakes = OptionSections.Mistakes(builder.Configuration, early);
        if (mistakes.Count > 0)
        {
            throw new OptionsValidationException("", typeof(SiloOptions), mistakes);
        }

        return (early.GetRequiredService<IOptions<SiloOptions>>().Value, early.GetRequiredService<IOptions<StoreOptions>>().Value);
    }

    /// <summary>The same log before the host is built and after: the store speaks first.</summary>
    /// <param name="builder">What is being built.</param>
    /// <param name="onStderr">Where stdout is for an answer.</param>
    public static SerilogLoggerFactory AddLogging(WebApplicationBuilder builder, bool onStderr)
    {
        builder.Logging.ClearProviders();
        var logger = new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("Orleans", LogEventLevel.Warning)
            .MinimumLevel.Override("Polly", LogEventLevel.Error)
            .Enrich.FromLogContext()
            .WriteTo.Console(new CompactJsonFormatter(), standardErrorFromLevel: onStderr ? LogEventLevel.Verbose : null)
            .CreateLogger();
        builder.Services.AddSerilog(logger);
        return new SerilogLoggerFactory(logger, dispose: true);
    }
}
